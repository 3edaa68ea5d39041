import type { ComputeProviderSpec } from '@kriptik/crds';
import { misconfigured } from '../backends/errors.ts';
import { SecretProblem } from '../secrets.ts';
import type { S3Access } from '../store/location.ts';

type Store = NonNullable<ComputeProviderSpec['store']>;

/** Reads every key of a Secret; rejects with SecretProblem where it is not there or may not be read. */
export type ReadSecret = (key: { namespace: string; name: string }) => Promise<Readonly<Record<string, string>>>;

const DEFAULT_REGION = 'us-east-1';

/** How an S3 store is reached; undefined for a store of another kind. The keys are read anew at each call. */
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
