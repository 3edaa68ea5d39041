import { createHash } from 'node:crypto';
import type { Contract, Quote, Resolved } from '@kriptik/crds';
import canonicalize from 'canonicalize';

/** "sha256:" and 64 hexadecimal digits. */
export type Sha256 = `sha256:${string}`;

/** What an approval is bound to: everything that decides what is trained, where, and for how much. */
export interface ApprovedWork {
  readonly contract: Contract;
  readonly resolved: Resolved;
  readonly quote: Quote;
}

/**
 * Canonical JSON by RFC 8785: keys sorted by UTF-16 code unit, no white space,
 * ECMAScript numbers. Members that are undefined are left out, as in JSON.
 * Throws on NaN, infinities, lone surrogates and cycles: none has a JSON form.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('A value without a JSON form cannot be hashed');
  return text;
}

/** "sha256:<64 hex>" of the canonical JSON of a value. Equal values give equal hashes, whatever their key order. */
export function hashOf(value: unknown): Sha256 {
  return `sha256:${createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex')}`;
}

/** The digest that approvals name. Fields beside contract, resolved and quote do not enter. */
export function planDigest(work: ApprovedWork): Sha256 {
  return rememberedFor(work, 'digest', ({ contract, resolved, quote }) => hashOf({ contract, resolved, quote }));
}

const remembered = new WeakMap<object, Map<string, Sha256>>();

/**
 * A hash that is worked out once for each object of a cache: those are frozen all the way down, so it cannot change.
 * `what` tells apart the hashes of one object. An object that is not frozen is hashed every time.
 */
export function rememberedFor<T extends object>(of: T, what: string, make: (of: T) => Sha256): Sha256 {
  if (!Object.isFrozen(of)) return make(of);
  const known = remembered.get(of) ?? new Map<string, Sha256>();
  remembered.set(of, known);
  const hash = known.get(what) ?? make(of);
  known.set(what, hash);
  return hash;
}
