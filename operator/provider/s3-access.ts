import type { ComputeProviderSpec } from '@kriptik/crds';
import type { S3Access } from '../store/location.ts';
import { keysOf, type ReadSecret } from './credentials.ts';

type Store = NonNullable<ComputeProviderSpec['store']>;

const DEFAULT_REGION = 'us-east-1';

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
  const source = {
    ref: credentialsRef,
    field: 'spec.store.credentialsRef',
    needs: 'accessKeyId, secretAccessKey and, where it is temporary, sessionToken',
  };
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = await keysOf(
      source,
      ['accessKeyId', 'secretAccessKey'],
      readSecret,
    );
    return { ...access, credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } };
  };
}
