/** The attempt that an object or a pod of it is named after; undefined for other names. */
export function attemptIn(name: string): { readonly name: string; readonly number: string } | undefined {
  const [whole, number] = /^kriptik-[0-9a-f]{16}-(\d+)(?=-|$)/.exec(name) ?? [];
  return whole === undefined || number === undefined ? undefined : { name: whole, number };
}
