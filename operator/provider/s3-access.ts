import type { ComputeProviderSpec } from '@kriptik/crds';
import { misconfigured } from '../backends/errors.ts';
import { SecretProblem } from '../secrets.ts';
import type { S3Access } from '../store/location.ts';

type Store = NonNullable<ComputeProviderSpec['store']>;

/** Reads every key of a Secret; rejects with SecretProblem where it is not there or may not be read. */
export type ReadSecret = (key: { namespace: string; name: string }) => Promise<Readonly<Record<string, string>>>;

const DEFAULT_REGION = 'us-east-1';

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

/** How an S3 store is reached; undefined for a store of another kind. The keys are asked for at each call. */
export function s3AccessOf(store: Store, readSecret: ReadSecret): (() => Promise<S3Access>) | undefined {
  if (!store.uri.startsWith('s3://')) return undefined;
  const access: S3Access = {
    ...(store.endpoint !== undefined && { endpoint: store.endpoint }),
    region: store.region ?? DEFAULT_REGION,
    pathStyle: store.pathStyle ?? store.endpoint !== undefined,
  };
  const { credentialsRef } = store;
  if (credentialsRef === undefined) return async () => access;
  return async () => {
    const keys = await readSecret(credentialsRef).catch((error: unknown) => {
      if (!(error instanceof SecretProblem)) throw error;
      throw misconfigured(error.message, `Create it with ${KEYS}: spec.store.credentialsRef names it.`, error);
    });
    const { accessKeyId, secretAccessKey, sessionToken } = keys;
    if (!accessKeyId || !secretAccessKey) {
      const where = `Secret ${credentialsRef.namespace}/${credentialsRef.name}`;
      throw misconfigured(`${where} has no accessKeyId or no secretAccessKey`, `Add the keys: it needs ${KEYS}.`);
    }
    return { ...access, credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } };
  };
}

const KEYS = 'accessKeyId, secretAccessKey and, where it is temporary, sessionToken';
