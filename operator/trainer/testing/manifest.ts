import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Saved = { uri: string; manifestSha256: string; sizeBytes: number; createdAt: string };

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Flushes a directory's entries to disk, so that a rename in it outlives a crash. */
const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, 'r');
  await directory.sync();
  await directory.close();
};

/** Writes a directory with its manifest the way the trainer does: aside, then renamed into place. */
export const writeSaved = async (
  directory: string,
  kind: 'checkpoint' | 'artifact',
  files: Record<string, string>,
  meta: { step: number; attempt: string; createdAt: string },
): Promise<Saved> => {
  const temporary = `${directory}.tmp-${process.pid}`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const listed: { path: string; size: number; sha256: string }[] = [];
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(temporary, path)), { recursive: true });
    await writeFile(join(temporary, path), text, { flush: true });
    listed.push({ path, size: Buffer.byteLength(text), sha256: sha256(text) });
  }
  const manifest = JSON.stringify({ format: 1, kind, ...meta, files: listed });
  await writeFile(join(temporary, 'MANIFEST.json'), manifest, { flush: true });
  await rm(directory, { recursive: true, force: true });
  await rename(temporary, directory);
  await syncDirectory(dirname(directory));
  return {
    uri: pathToFileURL(directory).href,
    manifestSha256: sha256(manifest),
    sizeBytes: listed.reduce((sum, file) => sum + file.size, 0),
    createdAt: meta.createdAt,
  };
};

export const checkpointDirectory = (store: string, step: number): string =>
  join(store, 'checkpoints', `step-${String(step).padStart(8, '0')}`);

/** Keeps the newest `keep` checkpoints and the one that a resume names. */
export const pruneCheckpoints = async (store: string, keep: number, protect: readonly number[]): Promise<void> => {
  const directory = join(store, 'checkpoints');
  const names = (await readdir(directory)).filter((name) => /^step-\d{8}$/.test(name)).sort();
  for (const name of names.slice(0, -keep)) {
    if (!protect.includes(Number(name.slice(5)))) await rm(join(directory, name), { recursive: true });
  }
};
