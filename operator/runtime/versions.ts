/** Order of resourceVersions. */

const DECIMAL = /^[1-9]\d*$/;

/**
 * Whether version `a` lies before `b`; false where that cannot be told.
 *
 * Versions were opaque to clients for long and still are for servers that are not kube-apiserver, so nothing may be
 * dropped because of this answer: it serves to suspect a stream, or to wait a little.
 */
export function isOlder(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || !DECIMAL.test(a) || !DECIMAL.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
