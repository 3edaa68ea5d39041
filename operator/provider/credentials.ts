import { misconfigured } from '../backends/errors.ts';
import { SecretProblem } from '../secrets.ts';

/** Reads every key of a Secret; rejects with SecretProblem where it is not there or may not be read. */
export type ReadSecret = (key: { namespace: string; name: string }) => Promise<Readonly<Record<string, string>>>;

/** A Secret that a provider names. */
export interface SecretSource {
  readonly ref: { readonly namespace: string; readonly name: string };
  /** The field of the ComputeProvider that names it. */
  readonly field: string;
  /** In words, what it has to hold. */
  readonly needs: string;
}

/** Keys are read anew after so many ms: a thousand jobs of one store look at it every other second. */
const SHARED_MS = 10_000;

/** Reads a Secret at most once in ten seconds, whoever asks. A reading that failed is not kept. `now` gives epoch ms. */
export function sharedReads(readSecret: ReadSecret, now: () => number): ReadSecret {
  const known = new Map<string, { readonly until: number; readonly keys: ReturnType<ReadSecret> }>();
  return (key) => {
    const id = `${key.namespace}/${key.name}`;
    const shared = known.get(id);
    if (shared !== undefined && now() < shared.until) return shared.keys;
    const keys = readSecret(key);
    known.set(id, { until: now() + SHARED_MS, keys });
    keys.catch(() => {
      if (known.get(id)?.keys === keys) known.delete(id);
    });
    return keys;
  };
}

/**
 * All keys of a Secret, those of `needed` with something in them.
 *
 * @throws BackendError Misconfigured that names the Secret, what it lacks and the field, and holds no value.
 */
export async function keysOf<K extends string>(
  { ref, field, needs }: SecretSource,
  needed: readonly K[],
  readSecret: ReadSecret,
): Promise<Readonly<Record<string, string> & Record<K, string>>> {
  const keys = await readSecret(ref).catch((error: unknown) => {
    if (!(error instanceof SecretProblem)) throw error;
    throw misconfigured(
      error.message,
      `Create it with ${needs}, where the operator may read it: ${field} names it.`,
      error,
    );
  });
  const lacking = needed.filter((key) => !keys[key]);
  if (lacking.length > 0) {
    const where = `Secret ${ref.namespace}/${ref.name}`;
    throw misconfigured(`${where} has no ${lacking.join(' and no ')}`, `${field} names it: it needs ${needs}.`);
  }
  return keys as Record<string, string> & Record<K, string>;
}
