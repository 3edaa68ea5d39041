import { existsSync } from 'node:fs';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type S3Keys, startS3, type TestS3 } from '../support/s3.ts';

let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3();
}, 300_000);
afterAll(() => s3.stop());

// Without the checksums of its own that the client would check: what is asked here is what the server serves.
const client = (keys: S3Keys) =>
  new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    forcePathStyle: true,
    credentials: keys,
    maxAttempts: 1,
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
const put = (keys: S3Keys, Key: string, Body: string) =>
  client(keys).send(new PutObjectCommand({ Bucket: s3.bucket, Key, Body }));
const read = async (keys: S3Keys, Key: string) => {
  const { Body, ETag } = await client(keys).send(new GetObjectCommand({ Bucket: s3.bucket, Key }));
  return { text: await Body?.transformToString(), ETag };
};

it('lets its owner write, its reader read, and its stranger do nothing', async () => {
  await put(s3, 'a/b.txt', 'content');
  expect((await read(s3.reader, 'a/b.txt')).text).toBe('content');
  await expect(put(s3.reader, 'a/b.txt', 'other')).rejects.toThrow(/AccessDenied|Access Denied/);
  await expect(read(s3.stranger, 'a/b.txt')).rejects.toThrow(/AccessDenied|Access Denied/);
  await expect(read({ ...s3, secretAccessKey: 'wrong' }, 'a/b.txt')).rejects.toThrow(/signature/);
});

it('keeps address and objects over an outage', async () => {
  await put(s3, 'kept', 'content');
  await s3.interrupt();
  await expect(read(s3, 'kept')).rejects.toThrow(/ECONNREFUSED/);
  await s3.resume();
  expect((await read(s3, 'kept')).text).toBe('content');
});

it('can be damaged so that only reading an object back shows it', async () => {
  await put(s3, 'damaged', 'content');
  const { ETag } = await read(s3, 'damaged');
  s3.corrupt('damaged');
  const after = await read(s3, 'damaged');
  expect(after.text).not.toBe('content');
  expect(after.text).toHaveLength('content'.length);
  expect(after.ETag).toBe(ETag);
});

it('leaves nothing behind', async () => {
  const other = await startS3();
  await other.stop();
  expect(existsSync(other.dir)).toBe(false);
});
