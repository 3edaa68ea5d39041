import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StoreError } from '@kriptik/operator/store/errors.ts';
import type { S3Access } from '@kriptik/operator/store/location.ts';
import { decodeManifest, MANIFEST, type Manifest } from '@kriptik/operator/store/manifest.ts';
import { type Bucket, openBucket } from '@kriptik/operator/store/s3-client.ts';
import { storeErrorOf } from '@kriptik/operator/store/s3-errors.ts';
import { splitS3Uri } from '@kriptik/operator/store/s3-store.ts';
import { compareFile, compareNames } from '@kriptik/operator/store/verify.ts';
import type { Saved } from './download.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exitcodes.ts';

const FILES_AT_ONCE = 4;
/** A broken connection is taken up where it broke, so often for each file. */
const TRIES = 5;

type File = Manifest['files'][number];

/**
 * Fetches a saved folder of a bucket. Files that an earlier try left in `folder` are taken up: whole ones are kept,
 * half ones (`.NAME.part`) go on where they end. A file gets its name once its hash is right.
 *
 * @throws CliError where the store cannot be read, or does not hold what was recorded.
 */
export async function fetchS3(part: Saved, folder: string, access: S3Access): Promise<void> {
  try {
    const { bucket: name, prefix } = splitS3Uri(part.uri);
    const bucket = openBucket(name, access);
    const bytes = await bucket.read(prefix + MANIFEST);
    if (bytes === undefined) throw broken(part.uri, 'its manifest is not there any more');
    const read = decodeManifest(bytes);
    if (typeof read === 'string') throw broken(part.uri, `its manifest cannot be used: ${read}`);
    if (read.sha256 !== part.manifestSha256)
      throw broken(part.uri, 'its manifest is not the one the operator recorded');
    const there = (await bucket.list(prefix)).map((object) => object.key.slice(prefix.length));
    const problem = compareNames(
      part.uri,
      read.manifest,
      there.filter((path) => path !== MANIFEST),
    );
    if (problem !== undefined) throw broken(part.uri, problem.message);
    const left = [...read.manifest.files];
    const worker = async (): Promise<void> => {
      for (let file = left.shift(); file !== undefined; file = left.shift())
        await fetchFile(bucket, prefix, file, folder, part.uri);
    };
    await mkdir(folder, { recursive: true });
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker));
    await writeFile(join(folder, MANIFEST), bytes);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const code = error.kind === 'Unreachable' ? EXIT.unreachable : EXIT.refused;
    const again = 'Then run the same command again: it goes on where it stopped.';
    throw new CliError(
      code,
      { what: error.message, where: part.uri, remedy: [`${capital(error.remedy)}.`, again] },
      { cause: error },
    );
  }
}

async function fetchFile(bucket: Bucket, prefix: string, file: File, folder: string, uri: string): Promise<void> {
  const target = join(folder, file.path);
  if ((await sizeOf(target)) === file.size && (await hashOf(target)) === file.sha256) return;
  const half = join(dirname(target), `.${target.slice(dirname(target).length + 1)}.part`);
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await append(bucket, prefix + file.path, half, file.size);
      break;
    } catch (error) {
      const failure = storeErrorOf(error, `${uri}/${file.path}`);
      if (failure.kind !== 'Unreachable' || attempt === TRIES) throw failure;
    }
  }
  const actual = { size: (await sizeOf(half)) ?? 0, sha256: await hashOf(half) };
  const problem = compareFile(file, actual, `${uri}/${file.path}`);
  if (problem !== undefined) throw broken(uri, problem.message);
  await rename(half, target);
}

/** Adds to a file what it lacks of an object of `size` bytes. */
async function append(bucket: Bucket, key: string, path: string, size: number): Promise<void> {
  const before = (await sizeOf(path)) ?? 0;
  // Longer than the whole: not a beginning of it.
  const from = before > size ? 0 : before;
  const file = await open(path, from === 0 ? 'w' : 'a');
  try {
    if (from < size) for await (const chunk of bucket.stream(key, { from })) await file.write(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (info) => info.size,
    () => undefined,
  );
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

function broken(where: string, what: string): CliError {
  return new CliError(EXIT.error, {
    what,
    where,
    remedy: ['Take another: "kriptik checkpoints" lists them. The broken one must not be used.'],
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
