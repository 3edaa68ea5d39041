import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isSafePath, MANIFEST, type Manifest } from './manifest.ts';
import type { Problem } from './store.ts';

const CHUNK = 1024 * 1024;

export type Listed = Manifest['files'][number];

/** Everything in a directory but its manifest, as relative paths with forward slashes. */
const filesIn = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((path) => path !== MANIFEST);
};

/** SHA-256 of a file's first `size` bytes, read in pieces, so that memory does not grow with the model. */
const hashFile = async (path: string, size: number): Promise<{ size: number; sha256: string }> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const actual = (await file.stat()).size;
    if (actual !== size) return { size: actual, sha256: '' };
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size || 1));
    let offset = 0;
    while (offset < size) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - offset), offset);
      if (bytesRead === 0) return { size: offset, sha256: '' };
      hash.update(buffer.subarray(0, bytesRead));
      offset += bytesRead;
    }
    return { size, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
};

const checkFile = async (directory: string, file: Listed): Promise<Problem | undefined> => {
  const where = join(directory, file.path);
  const info = await lstat(where);
  // realpath catches a link in any part of the path, lstat one at its end.
  if (!info.isFile() || (await realpath(where)) !== where) {
    return { code: 'UnsafePath', message: `${file.path} is not a plain file inside the checkpoint`, where };
  }
  return compareFile(file, await hashFile(where, file.size), where);
};

/**
 * Compares the names of what is there with a manifest: all listed files, and no others (a file that nobody vouches for
 * could be loaded by a resume). `where` is the path or URI of the folder.
 */
export const compareNames = (where: string, manifest: Manifest, present: readonly string[]): Problem | undefined => {
  const at = (path: string): string => `${where}/${path}`;
  const unsafe = manifest.files.find((file) => !isSafePath(file.path));
  if (unsafe !== undefined) {
    const message = `the manifest lists ${JSON.stringify(unsafe.path)}, which is not a path inside the checkpoint`;
    return { code: 'UnsafePath', message, where: at(MANIFEST) };
  }
  const listed = new Set(manifest.files.map((file) => file.path));
  const extra = present.find((path) => !listed.has(path));
  if (extra !== undefined) {
    return { code: 'UnexpectedFile', message: `${extra} is not in the manifest`, where: at(extra) };
  }
  const there = new Set(present);
  const missing = manifest.files.find((file) => !there.has(file.path));
  if (missing !== undefined) {
    const message = `${missing.path} is in the manifest but not there`;
    return { code: 'FileMissing', message, where: at(missing.path) };
  }
  return undefined;
};

/** What is wrong with a file of which `size` bytes with this hash were read. */
export const compareFile = (
  { path, size, sha256 }: Listed,
  actual: { size: number; sha256: string },
  where: string,
): Problem | undefined => {
  if (actual.size !== size) {
    return { code: 'SizeMismatch', message: `${path} has ${actual.size} bytes, the manifest says ${size}`, where };
  }
  if (actual.sha256 !== sha256) {
    return { code: 'HashMismatch', message: `the content of ${path} is not what was saved`, where };
  }
  return undefined;
};

/**
 * Compares a directory with its manifest, reading every byte. Undefined if all is well. Throws what the file system
 * throws.
 */
export const verifyFiles = async (directory: string, manifest: Manifest): Promise<Problem | undefined> => {
  const real = await realpath(directory);
  const names = compareNames(directory, manifest, await filesIn(real));
  if (names !== undefined) return names;
  for (const file of manifest.files) {
    const problem = await checkFile(real, file);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/**
 * A short text that changes whenever a file was replaced, resized or rewritten through the file system: size, time
 * of modification in nanoseconds and inode of each.
 */
export const fingerprint = async (directory: string, manifest: Manifest): Promise<string> => {
  const parts: string[] = [(await filesIn(directory)).length.toString()];
  for (const { path } of manifest.files) {
    const info = await lstat(join(directory, path), { bigint: true });
    parts.push(`${info.size}:${info.mtimeNs}:${info.ctimeNs}:${info.ino}`);
  }
  return parts.join(' ');
};
