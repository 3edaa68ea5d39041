import { createHash } from 'node:crypto';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { StoreError } from './errors.ts';
import type { S3Access } from './location.ts';
import { isAbsent, storeErrorOf } from './s3-errors.ts';

/** An object as a listing shows it. `state` changes whenever somebody writes it anew. */
export type S3Object = { key: string; size: number; etag: string; state: string };

/** Longest wait for a small answer, and for the next bytes of a large one, in ms. */
const ANSWER_MS = 8_000;
const STALL_MS = 30_000;
/** After a store did not answer, asking again at once would only make every look wait. */
const REST_MS = 5_000;
const MAX_CLIENTS = 64;
const MAX_READ_BYTES = 16 * 1024 * 1024;

const clients = new Map<string, S3Client>();
const resting = new Map<string, { until: number; error: StoreError }>();

const clientFor = (access: S3Access): { id: string; client: S3Client } => {
  const id = createHash('sha256').update(JSON.stringify(access)).digest('hex');
  const known = clients.get(id);
  if (known !== undefined) return { id, client: known };
  const client = new S3Client({
    region: access.region,
    forcePathStyle: access.pathStyle,
    ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }),
    ...(access.credentials === undefined ? {} : { credentials: access.credentials }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, socketTimeout: STALL_MS },
    // Not every server knows the newer checksum headers; the hashes of the manifests decide anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  if (clients.size >= MAX_CLIENTS) {
    const [oldest] = clients.keys();
    if (oldest !== undefined) {
      clients.get(oldest)?.destroy();
      clients.delete(oldest);
    }
  }
  clients.set(id, client);
  return { id, client };
};

/** Read access to one bucket. Everything throws StoreError; an object that is not there is undefined. */
export type Bucket = {
  list(prefix: string): Promise<S3Object[]>;
  /** A small object whole, or its last `tail` bytes. One that is longer than 16 MiB is taken for none. */
  read(key: string, options?: { tail?: number }): Promise<Buffer | undefined>;
  /**
   * The bytes of an object from `from` on. With `etag` only as long as it is that very one: then a change is an
   * error that `isChanged` knows.
   */
  stream(key: string, options?: { etag?: string; from?: number }): AsyncIterable<Uint8Array>;
};

/** Opens a bucket. Clients and their connections are kept by what reaches them. */
export const openBucket = (name: string, access: S3Access, now: () => number = Date.now): Bucket => {
  const { id, client } = clientFor(access);
  const where = (key: string): string => `s3://${name}/${key}`;

  const guarded = async <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const rest = resting.get(id);
    if (rest !== undefined && now() < rest.until) throw rest.error;
    try {
      const answer = await ask();
      resting.delete(id);
      return answer;
    } catch (error) {
      if (isAbsent(error)) throw error;
      const failure = storeErrorOf(error, where(key));
      if (failure.kind === 'Unreachable') resting.set(id, { until: now() + REST_MS, error: failure });
      throw failure;
    }
  };

  return {
    list: (prefix) =>
      guarded(prefix, async () => {
        const found: S3Object[] = [];
        let token: string | undefined;
        do {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken: token }),
            { abortSignal: AbortSignal.timeout(ANSWER_MS) },
          );
          for (const { Key: key, Size: size = 0, ETag: etag = '', LastModified: modified } of page.Contents ?? [])
            if (key !== undefined) found.push({ key, size, etag, state: `${size} ${etag} ${modified?.getTime()}` });
          token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
        } while (token !== undefined);
        return found;
      }),

    async read(key, options = {}) {
      const range = options.tail === undefined ? {} : { Range: `bytes=-${options.tail}` };
      try {
        return await guarded(key, async () => {
          const abortSignal = AbortSignal.timeout(ANSWER_MS);
          const { Body: body, ContentLength: length = 0 } = await client.send(
            new GetObjectCommand({ Bucket: name, Key: key, ...range }),
            { abortSignal },
          );
          if (body === undefined || length > MAX_READ_BYTES) return undefined;
          return Buffer.from(await body.transformToByteArray());
        });
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },

    async *stream(key, { etag, from = 0 } = {}) {
      const stalled = new AbortController();
      const abort = (): void =>
        stalled.abort(new StoreError('Unreachable', `${where(key)}: no bytes for ${STALL_MS / 1000} s`, 'try again'));
      let timer = setTimeout(abort, STALL_MS);
      try {
        const answer = await client.send(
          new GetObjectCommand({
            Bucket: name,
            Key: key,
            ...(etag === undefined ? {} : { IfMatch: etag }),
            ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
          }),
          { abortSignal: stalled.signal },
        );
        // In Node the body is a readable stream; the types also know those of browsers.
        const body = answer.Body as AsyncIterable<Uint8Array> | undefined;
        for await (const chunk of body ?? []) {
          clearTimeout(timer);
          timer = setTimeout(abort, STALL_MS);
          yield chunk;
        }
      } finally {
        clearTimeout(timer);
      }
    },
  };
};
