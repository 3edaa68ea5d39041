import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrainingJob } from '@kriptik/crds';

interface Manifest {
  readonly step: number;
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Reads a checkpoint or artifact back without any code of the operator; throws what is wrong with it. */
export async function readBack(
  saved: { uri: string; manifestSha256: string },
  folderOf: (uri: string) => string = fileURLToPath,
): Promise<Manifest> {
  const folder = folderOf(saved.uri);
  const bytes = await readFile(join(folder, 'MANIFEST.json'));
  if (sha256(bytes) !== saved.manifestSha256) throw new Error(`${folder}: another manifest than the one on record`);
  return await readFolder(folder);
}

/** Reads a folder back that carries a manifest, whichever it is; throws what is wrong with it. */
async function readFolder(folder: string): Promise<Manifest> {
  const bytes = await readFile(join(folder, 'MANIFEST.json'));
  const manifest = JSON.parse(bytes.toString('utf8')) as Manifest;
  if (manifest.files.length === 0) throw new Error(`${folder}: nothing is saved`);
  for (const { path, size, sha256: expected } of manifest.files) {
    const content = await readFile(join(folder, path));
    if (content.length !== size || sha256(content) !== expected) throw new Error(`${folder}/${path}: does not match`);
  }
  return manifest;
}

/** Checks that every checkpoint a status calls verified is on the disk as promised. Returns the newest one's step. */
export async function restorable(
  { status }: Pick<TrainingJob, 'status'>,
  folderOf: (uri: string) => string = fileURLToPath,
): Promise<number> {
  const promised = (status?.checkpoints ?? []).filter(({ verifiedAt }) => verifiedAt !== undefined);
  for (const checkpoint of promised) {
    const { step } = await readBack(checkpoint, folderOf);
    if (step !== checkpoint.step) throw new Error(`${checkpoint.uri} is of step ${step}, not ${checkpoint.step}`);
  }
  return promised.at(-1)?.step ?? 0;
}

/** Step of the newest checkpoint of a store that can be read back; 0 where there is none. */
export async function newestSound(store: string): Promise<number> {
  for (const folder of (await checkpointsIn(store).catch(() => [])).toReversed()) {
    const found = await readFolder(folder).catch(() => undefined);
    if (found !== undefined) return found.step;
  }
  return 0;
}

/** Changes one byte of a saved file behind everybody's back. */
export async function spoil(folder: string): Promise<void> {
  const path = join(folder, 'model', 'weights.txt');
  const bytes = await readFile(path).catch(() => undefined);
  const target = bytes === undefined ? join(folder, 'model.txt') : path;
  const content = bytes ?? (await readFile(target));
  content[0] = (content[0] ?? 0) ^ 0xff;
  await writeFile(target, content);
}

/** Folders of a store's checkpoints, oldest first. */
export async function checkpointsIn(store: string): Promise<string[]> {
  const folder = join(store, 'checkpoints');
  const names = (await readdir(folder)).filter((name) => /^step-\d+$/.test(name)).sort();
  return names.map((name) => join(folder, name));
}
