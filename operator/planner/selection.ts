/** A selection that names nothing, or something that cannot be chosen. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
  readonly remedy: string;
  constructor(tile: string, id: string, valid: readonly string[], problem = 'is not an alternative of this plan') {
    super(`spec.selection.${tile}: "${id}" ${problem}.`);
    this.remedy = `Set spec.selection.${tile} to one of: ${valid.slice(0, 24).join(', ')}; or remove it.`;
  }
}

/** The item with the selected id; undefined when nothing was selected. Throws SelectionError naming the valid ids. */
export function selectedOf<T>(
  tile: string,
  id: string | undefined,
  items: readonly T[],
  idOf: (item: T) => string,
): T | undefined {
  if (id === undefined) return undefined;
  const found = items.find((item) => idOf(item) === id);
  if (found === undefined) throw new SelectionError(tile, id, items.map(idOf));
  return found;
}
