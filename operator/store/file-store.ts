import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { MetricPoint } from '../trainer/messages.ts';
import type { AttemptResult } from '../trainer/result.ts';
import { decodePoints, decodeResult, isAttemptName, MAX_METRICS_TAIL_BYTES, MAX_RESULT_BYTES } from './left-behind.ts';
import { type ReadManifest, readManifest, summaryOf } from './manifest.ts';
import { exchanged } from './recorded.ts';
import type { CheckpointRef, CheckpointStore, Problem, ProblemCode, Verification } from './store.ts';
import { fingerprint, verifyFiles } from './verify.ts';

const MAX_REMEMBERED = 4096;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** What a machine or a network file system lacks for a moment, and what says nothing of the files. */
const PASSING: ReadonlySet<unknown> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'ESTALE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'ENOTCONN',
]);

const isPassing = (error: unknown): boolean => error instanceof Error && 'code' in error && PASSING.has(error.code);

const refOf = (directory: string, read: ReadManifest): CheckpointRef => ({
  uri: pathToFileURL(directory).href,
  ...summaryOf(read),
});

/** Names in a directory; none if it does not exist. */
const namesIn = async (directory: string): Promise<string[]> => {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

/** The saved directories below `parent` whose names fit and whose manifest can be read. */
const savedIn = async (parent: string, name: RegExp): Promise<{ name: string; ref: CheckpointRef }[]> => {
  const found: { name: string; ref: CheckpointRef }[] = [];
  for (const entry of (await namesIn(parent)).filter((one) => name.test(one))) {
    const directory = join(parent, entry);
    try {
      const read = await readManifest(directory);
      if (typeof read !== 'string') found.push({ name: entry, ref: refOf(directory, read) });
    } catch (error) {
      // Written, or removed by retention, while it was looked at.
      if (!isMissing(error)) throw error;
    }
  }
  return found;
};

/**
 * What verified before, by the manifest's hash and the state of every file. A checkpoint is written aside, renamed
 * into place and never changed, so equal size, times and inode mean equal bytes for everything that goes through
 * the file system. What goes past it (a failing disk) is why freeze and resume ask for a fresh look.
 */
export type VerificationMemory = Map<string, string>;

const remember = (memory: VerificationMemory, key: string, state: string): void => {
  if (memory.size >= MAX_REMEMBERED) memory.delete(memory.keys().next().value ?? '');
  memory.set(key, state);
};

/** A store on a file system that this process can read. `root` is the directory of one job. */
export const openFileStore = (
  root: string,
  remembered: VerificationMemory = new Map(),
  now: () => number = Date.now,
): CheckpointStore => {
  const fail = (code: ProblemCode, where: string, message: string): Verification => ({
    ok: false,
    problem: { code, message, where },
  });

  /** The directory that a URI names, if it lies inside this store. */
  const directoryOf = (uri: string): string | undefined => {
    try {
      const path = fileURLToPath(uri);
      return path.startsWith(root + sep) ? path.replace(/\/+$/, '') : undefined;
    } catch {
      return undefined;
    }
  };

  const verify: CheckpointStore['verify'] = async (ref, options = {}) => {
    const directory = directoryOf(ref.uri);
    if (directory === undefined) return fail('UnsafePath', ref.uri, `it does not lie in the store ${root}`);
    try {
      const read = await readManifest(directory);
      if (typeof read === 'string') return fail('ManifestUnreadable', ref.uri, `its manifest cannot be used: ${read}`);
      if (read.sha256 !== ref.manifestSha256) {
        return fail('ManifestChanged', ref.uri, 'its manifest is not the one that was recorded');
      }
      const verified = { ...refOf(directory, read), uri: ref.uri, verifiedAt: new Date(now()).toISOString() };
      const key = `${directory} ${read.sha256}`;
      // Before the bytes are read: a change meanwhile makes the remembered state stale, not wrong.
      const state = await fingerprint(directory, read.manifest).catch(() => undefined);
      if ((options.fresh ?? false) === false && state !== undefined && remembered.get(key) === state) {
        return { ok: true, checkpoint: verified };
      }
      remembered.delete(key);
      const problem = await verifyFiles(directory, read.manifest);
      if (problem !== undefined) return { ok: false, problem };
      if (state !== undefined) remember(remembered, key, state);
      return { ok: true, checkpoint: verified };
    } catch (error) {
      if (isMissing(error)) return fail('Missing', ref.uri, 'it is not there');
      if (isPassing(error)) throw error;
      const why = error instanceof Error ? error.message : String(error);
      return fail('Unreadable', ref.uri, `it cannot be read: ${why}`);
    }
  };

  const list: CheckpointStore['list'] = async () => {
    const found = await savedIn(join(root, 'checkpoints'), /^step-\d{8,}$/);
    return found.map((one) => one.ref).sort((a, b) => b.step - a.step);
  };

  return {
    uri: pathToFileURL(root).href,
    list,
    verify,

    async latestVerified({ fresh = false, recorded = [] } = {}) {
      const problems: Problem[] = [];
      for (const ref of await list()) {
        const other = exchanged(ref, recorded, { once: false });
        if (other !== undefined) {
          problems.push(other);
          continue;
        }
        const verification = await verify(ref, { fresh });
        if (verification.ok) return { checkpoint: verification.checkpoint, problems };
        problems.push(verification.problem);
      }
      return { problems };
    },

    async artifacts() {
      const found = await savedIn(join(root, 'artifacts'), /^[a-z0-9][a-z0-9-]*$/);
      return found.map(({ name, ref }) => ({ name, ...ref })).sort((a, b) => a.name.localeCompare(b.name));
    },

    async result(attempt): Promise<AttemptResult | undefined> {
      if (!isAttemptName(attempt)) return undefined;
      const path = join(root, 'attempts', attempt, 'result.json');
      try {
        if ((await stat(path)).size > MAX_RESULT_BYTES) return undefined;
        return decodeResult(await readFile(path, 'utf8'), attempt);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },

    metrics: (limit) => metricsTail(join(root, 'metrics.jsonl'), limit),
  };
};

/** The last points of a metrics file, of which at most 4 MiB are read. */
const metricsTail = async (path: string, limit: number): Promise<MetricPoint[]> => {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - MAX_METRICS_TAIL_BYTES);
    const buffer = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
    return decodePoints(lines.slice(start === 0 ? 0 : 1), limit);
  } finally {
    await file.close();
  }
};
