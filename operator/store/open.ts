import { normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoreError } from './errors.ts';
import { openFileStore, type VerificationMemory } from './file-store.ts';
import type { Inspect } from './inspect.ts';
import type { S3Access } from './location.ts';
import { openPvcStore, PvcMemory } from './pvc-store.ts';
import { openS3Store, S3Memory } from './s3-store.ts';
import type { CheckpointStore } from './store.ts';

/** What opening a store may need, by kind of store. */
export type StoreMeans = {
  /** How an s3:// bucket is reached. Absent: as the environment says. */
  s3?: () => Promise<S3Access | undefined>;
  /** What looks into a pvc:// claim. */
  inspect?: Inspect;
  /** Longest wait for a reading back of s3:// and pvc://, in ms. */
  patienceMs?: number;
};

// Stores are opened anew at every look; what was verified must outlive them. Keys name the folder and its state.
const files: VerificationMemory = new Map();
const claims = new PvcMemory();
const buckets = new S3Memory();

const unsupported = (message: string): StoreError =>
  new StoreError('Misconfigured', message, 'correct spec.store.uri of the ComputeProvider');

/**
 * Opens the store of one job: s3://bucket/prefix, pvc://claim/path or file:///path. Cheap; nothing is asked yet.
 *
 * @throws StoreError `Misconfigured` for a URI that is none of these.
 */
export const openStore = (uri: string, means: StoreMeans = {}): CheckpointStore => {
  if (!URL.canParse(uri)) throw unsupported(`"${uri}" is not a URI: use one like s3://bucket/prefix`);
  const url = new URL(uri);
  const patience = means.patienceMs === undefined ? {} : { patienceMs: means.patienceMs };
  if (url.protocol === 's3:') {
    return openS3Store(uri, { access: means.s3 ?? (async () => undefined), memory: buckets, ...patience });
  }
  if (url.protocol === 'pvc:') {
    if (means.inspect === undefined) throw unsupported(`"${uri}" lies on a claim, which only a pod can read`);
    return openPvcStore(uri.replace(/\/+$/, ''), { inspect: means.inspect, memory: claims, ...patience });
  }
  if (url.protocol !== 'file:') {
    throw unsupported(`the checkpoint store ${url.protocol}// is not supported: use s3://, pvc:// or file://`);
  }
  if (url.host !== '') {
    throw unsupported(`"${uri}" names the host ${url.host}: a file URI has three slashes, file:///path`);
  }
  return openFileStore(normalize(fileURLToPath(url)).replace(/\/+$/, ''), files);
};
