/** Any JSON object. */
export type Json = Record<string, unknown>;

/** Changes by path, for example `{ 'spec.data[0].uri': 'x' }`; `undefined` removes. */
export type Changes = Readonly<Record<string, unknown>>;

/**
 * A copy of `base` with the changes made. Objects on the way are made where they are missing.
 * @throws where a path leads through something that is neither object nor list.
 */
export function edit(base: object, changes: Changes): Json {
  const copy = structuredClone(base) as Json;
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
    const last = steps.pop() ?? '';
    let node: Json = copy;
    for (const step of steps) {
      node[step] ??= {};
      const next = node[step];
      if (typeof next !== 'object' || next === null)
        throw new Error(`nothing to change at ${path}: ${step} is no object`);
      node = next as Json;
    }
    if (value === undefined) delete node[last];
    else node[last] = structuredClone(value);
  }
  return copy;
}
