/** Comparing and diffing JSON values. A member that is `undefined` counts as absent, as it does on the wire. */

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const keysOf = (value: JsonObject): string[] => Object.keys(value).filter((key) => value[key] !== undefined);

/** Whether two values are the same JSON; the order of members does not matter, that of list items does. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  let members = 0;
  for (const key of Object.keys(a)) {
    if (a[key] === undefined) continue;
    if (b[key] === undefined || !sameJson(a[key], b[key])) return false;
    members += 1;
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) members -= 1;
  return members === 0;
}

/**
 * The JSON merge patch (RFC 7386) that turns `from` into `to`, or `undefined` when there is nothing to change. Neither
 * may hold a `null` inside an object: a merge patch cannot express one.
 */
export function mergePatch(from: object, to: object): object | undefined {
  const before = from as JsonObject;
  const after = to as JsonObject;
  const patch: JsonObject = {};
  for (const key of keysOf(before)) if (after[key] === undefined) patch[key] = null;
  for (const key of keysOf(after)) {
    const old = before[key];
    const value = after[key];
    if (isObject(old) && isObject(value)) {
      const nested = old === value ? undefined : mergePatch(old, value);
      if (nested !== undefined) patch[key] = nested;
    } else if (!sameJson(old, value)) {
      patch[key] = value;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
