import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readManifest } from '@kriptik/operator/store/manifest.ts';
import { verifyFiles } from '@kriptik/operator/store/verify.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exitcodes.ts';

/** A saved directory with the hash of its manifest. */
export interface Saved {
  readonly uri: string;
  readonly manifestSha256: string;
}

function localPath(uri: string): string {
  if (uri.startsWith('file:///')) return fileURLToPath(uri).replace(/\/+$/, '');
  throw new CliError(EXIT.error, {
    what: `${uri.split(':')[0] ?? 'this'}:// cannot be downloaded from here yet`,
    where: uri,
    remedy: ['Fetch it with the tool of that store; checkpoints at file:// can be downloaded.'],
  });
}

/**
 * Copies a checkpoint or artifact of a file:// store to `target` and reads every byte of the copy back against the
 * manifest. The copy appears under its name only when it is whole.
 *
 * @throws CliError when it is not there, not what was recorded, or the target is in use.
 */
export async function download(
  saved: Saved,
  target: string,
  options: { readonly force: boolean },
): Promise<{ readonly files: number; readonly bytes: number }> {
  const source = localPath(saved.uri);
  if (!options.force && (await isOccupied(target))) {
    throw new CliError(EXIT.conflict, {
      what: 'the target folder is not empty',
      where: target,
      remedy: ['Choose another with --directory, or add --force to replace it.'],
    });
  }
  await mkdir(dirname(target), { recursive: true });
  const partial = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    await copy(source, partial);
    const copied = await verified(partial, saved);
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
    return copied;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
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
