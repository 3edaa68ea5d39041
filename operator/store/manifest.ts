import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckpointRef } from './store.ts';

export const MANIFEST = 'MANIFEST.json';
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_FILES = 10_000;

const manifestSchema = z.object({
  format: z.literal(1),
  kind: z.enum(['checkpoint', 'artifact']),
  step: z.number().int().nonnegative(),
  attempt: z.string(),
  createdAt: z.iso.datetime({ offset: true }),
  files: z
    .array(
      z.object({
        path: z.string().min(1).max(1024),
        size: z.number().int().nonnegative(),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(MAX_FILES),
});
export type Manifest = z.infer<typeof manifestSchema>;

/**
 * Whether a path listed in a manifest stays inside its directory: relative, forward slashes, no empty, `.` or `..`
 * parts, and not the manifest itself.
 */
export const isSafePath = (path: string): boolean =>
  path !== MANIFEST &&
  !/[\\\0]/.test(path) &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** Parses the bytes of a manifest; a string says what is wrong with it. */
const parseManifest = (bytes: Buffer): Manifest | string => {
  if (bytes.length === 0) return 'it is empty';
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'it is not JSON';
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`;
  }
  const paths = new Set(parsed.data.files.map((file) => file.path));
  if (paths.size !== parsed.data.files.length) return 'it lists a file twice';
  return parsed.data;
};

export type ReadManifest = { manifest: Manifest; sha256: string };

/** A manifest with the hash that names it; a string says what is wrong with its bytes. */
export const decodeManifest = (bytes: Buffer): ReadManifest | string => {
  const manifest = parseManifest(bytes);
  if (typeof manifest === 'string') return manifest;
  return { manifest, sha256: createHash('sha256').update(bytes).digest('hex') };
};

/** What readers know of a saved folder from its manifest. */
export const summaryOf = ({ manifest, sha256 }: ReadManifest): Omit<CheckpointRef, 'uri'> => ({
  step: manifest.step,
  manifestSha256: sha256,
  sizeBytes: manifest.files.reduce((sum, file) => sum + file.size, 0),
  createdAt: manifest.createdAt,
  attempt: manifest.attempt,
});

const readAll = async (file: FileHandle): Promise<Buffer | string> => {
  const { size } = await file.stat();
  return size > MAX_MANIFEST_BYTES ? `it is longer than ${MAX_MANIFEST_BYTES} bytes` : file.readFile();
};

/** Reads `<directory>/MANIFEST.json`; a string says why it cannot be used. Throws what the file system throws. */
export const readManifest = async (directory: string): Promise<ReadManifest | string> => {
  const file = await open(join(directory, MANIFEST), 'r');
  try {
    const bytes = await readAll(file);
    return typeof bytes === 'string' ? bytes : decodeManifest(bytes);
  } finally {
    await file.close();
  }
};
