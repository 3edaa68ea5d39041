import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { S3Access } from '@kriptik/operator/store/location.ts';
import { readManifest } from '@kriptik/operator/store/manifest.ts';
import { verifyFiles } from '@kriptik/operator/store/verify.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exitcodes.ts';
import { fetchS3 } from './fetch-s3.ts';

/** A saved directory with the hash of its manifest. */
export interface Saved {
  /** For messages, such as `merged`. */
  readonly name: string;
  readonly uri: string;
  readonly manifestSha256: string;
  /** Folder below the target that it goes to; empty for the target itself. */
  readonly folder: string;
}

export interface Copied {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
}

function localPath(uri: string): string {
  if (uri.startsWith('file:///')) return fileURLToPath(uri).replace(/\/+$/, '');
  throw new CliError(EXIT.error, {
    what: `${uri.split(':')[0] ?? 'this'}:// cannot be downloaded from here yet`,
    where: uri,
    remedy: [
      'Copy it out of a pod that mounts the claim: kubectl cp. What lies at s3:// and file:// can be downloaded.',
    ],
  });
}

/**
 * Copies checkpoints or artifacts of a file:// or s3:// store to `target` and reads every byte of the copies back
 * against their manifests. The target appears under its name only when all of it is whole. What was fetched from s3://
 * before something broke is kept beside the target, and the next try goes on with it.
 *
 * @throws CliError when one is not there, not what was recorded, or the target is in use.
 */
export async function download(
  parts: readonly Saved[],
  target: string,
  options: { readonly force: boolean; readonly s3Access: () => Promise<S3Access> },
): Promise<Copied[]> {
  const far = parts.some((part) => part.uri.startsWith('s3://'));
  const sources = parts.map((part) => ({ part, source: far ? part.uri : localPath(part.uri) }));
  if (!options.force && (await isOccupied(target))) {
    throw new CliError(EXIT.conflict, {
      what: 'the target folder is not empty',
      where: target,
      remedy: ['Choose another with --to, or add --force to replace it.'],
    });
  }
  const partial = join(dirname(target), `.${basename(target)}-${far ? nameOf(parts) : randomUUID().slice(0, 8)}`);
  await mkdir(partial, { recursive: true });
  try {
    const copied: Copied[] = [];
    for (const { part, source } of sources) {
      const folder = join(partial, part.folder);
      if (far) await fetchS3(part, folder, await options.s3Access());
      else await copy(source, folder);
      copied.push({ name: part.name, ...(await verified(folder, part)) });
    }
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
    return copied;
  } catch (error) {
    if (!far || isBroken(error)) await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** The same parts go to the same partial folder, others to another. */
function nameOf(parts: readonly Saved[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.uri} ${part.manifestSha256} ${part.folder}\n`);
  return hash.digest('hex').slice(0, 8);
}

/** Whether what was fetched is of no use to another try. */
function isBroken(error: unknown): boolean {
  return error instanceof CliError && error.code === EXIT.error;
}

async function copy(source: string, target: string): Promise<void> {
  try {
    await cp(source, target, { recursive: true, dereference: false, errorOnExist: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CliError(
      EXIT.notFound,
      {
        what: 'it is not on this machine',
        where: source,
        remedy: ['Run this on the machine that trained, or mount its store at the same path.'],
      },
      { cause: error },
    );
  }
}

async function verified(folder: string, saved: Saved): Promise<{ readonly files: number; readonly bytes: number }> {
  const read = await readManifest(folder);
  const broken = (what: string): CliError =>
    new CliError(EXIT.error, {
      what,
      where: saved.uri,
      remedy: ['Take another: "kriptik checkpoints" lists them. The broken one must not be used.'],
    });
  if (typeof read === 'string') throw broken(`its manifest cannot be used: ${read}`);
  if (read.sha256 !== saved.manifestSha256) throw broken('its manifest is not the one the operator recorded');
  const problem = await verifyFiles(folder, read.manifest);
  if (problem !== undefined) throw broken(problem.message);
  return { files: read.manifest.files.length, bytes: read.manifest.files.reduce((sum, file) => sum + file.size, 0) };
}

async function isOccupied(folder: string): Promise<boolean> {
  return readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );
}
