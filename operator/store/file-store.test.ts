import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkpointDirectory, writeSaved } from '../trainer/testing/manifest.ts';
import { openFileStore, type VerificationMemory } from './file-store.ts';
import { readManifest } from './manifest.ts';
import { openStore } from './open.ts';
import type { CheckpointRef, CheckpointStore } from './store.ts';
import { fingerprint } from './verify.ts';

let root: string;
let store: CheckpointStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kriptik-store-'));
  store = openStore(pathToFileURL(root).href);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const FILES = { 'state.json': '{"step":1}', 'model/weights.bin': 'w'.repeat(3_000_000) };

const save = async (step: number, files: Record<string, string> = FILES): Promise<CheckpointRef> => {
  const meta = { step, attempt: `job-${step}`, createdAt: '2026-01-31T12:00:00.000Z' };
  const saved = await writeSaved(checkpointDirectory(root, step), 'checkpoint', files, meta);
  return { ...meta, ...saved };
};
const pathOf = (ref: CheckpointRef, file: string): string => join(fileURLToPath(ref.uri), file);

/** Rewrites the manifest and gives the reference that its new hash makes. */
const edit = async (ref: CheckpointRef, change: (text: string) => string): Promise<CheckpointRef> => {
  const path = pathOf(ref, 'MANIFEST.json');
  await writeFile(path, change(await readFile(path, 'utf8')));
  const [changed] = await store.list();
  return changed ?? ref;
};

describe('a checkpoint that is whole', () => {
  test('is listed newest first and verifies', async () => {
    const old = await save(5);
    const newest = await save(10);
    expect((await store.list()).map((ref) => ref.step)).toEqual([10, 5]);
    expect(await store.list()).toEqual([newest, old]);
    const verification = await store.verify(newest);
    expect(verification).toMatchObject({ ok: true, checkpoint: { step: 10, attempt: 'job-10', sizeBytes: 3_000_010 } });
    expect((await store.latestVerified()).checkpoint?.uri).toBe(newest.uri);
  });

  test('of no files at all verifies as well', async () => {
    expect((await store.verify(await save(1, {}))).ok).toBe(true);
  });

  test('artifacts are listed by name', async () => {
    const meta = { step: 9, attempt: 'a', createdAt: '2026-01-31T12:00:00Z' };
    await mkdir(join(root, 'artifacts'));
    await writeSaved(join(root, 'artifacts', 'merged'), 'artifact', FILES, meta);
    await writeSaved(join(root, 'artifacts', 'adapter'), 'artifact', FILES, meta);
    const artifacts = await store.artifacts();
    expect(artifacts.map((artifact) => artifact.name)).toEqual(['adapter', 'merged']);
    for (const artifact of artifacts) expect((await store.verify(artifact)).ok).toBe(true);
  });
});

type Damage = (ref: CheckpointRef) => Promise<CheckpointRef | undefined>;
const damages: [string, string, Damage][] = [
  [
    'a flipped byte',
    'HashMismatch',
    async (ref) => {
      await writeFile(pathOf(ref, 'state.json'), '{"step":2}');
      return undefined;
    },
  ],
  [
    'a file cut short',
    'SizeMismatch',
    async (ref) => {
      await truncate(pathOf(ref, 'model/weights.bin'), 2_000_000);
      return undefined;
    },
  ],
  [
    'a file that is gone',
    'FileMissing',
    async (ref) => {
      await unlink(pathOf(ref, 'model/weights.bin'));
      return undefined;
    },
  ],
  [
    'a file nobody vouches for',
    'UnexpectedFile',
    async (ref) => {
      await writeFile(pathOf(ref, 'model/optimizer.pkl'), 'code');
      return undefined;
    },
  ],
  [
    'a file replaced by a link to an equal one',
    'UnsafePath',
    async (ref) => {
      await rename(pathOf(ref, 'state.json'), join(root, 'outside.json'));
      await symlink(join(root, 'outside.json'), pathOf(ref, 'state.json'));
      return undefined;
    },
  ],
  [
    'a manifest changed after it was recorded',
    'ManifestChanged',
    async (ref) => {
      await appendFile(pathOf(ref, 'MANIFEST.json'), ' ');
      return undefined;
    },
  ],
  [
    'a manifest that is not JSON',
    'ManifestUnreadable',
    async (ref) => {
      await writeFile(pathOf(ref, 'MANIFEST.json'), '{');
      return undefined;
    },
  ],
  [
    'a manifest of a later format',
    'ManifestUnreadable',
    async (ref) => {
      return edit(ref, (text) => text.replace('"format":1', '"format":2'));
    },
  ],
  [
    'a listed path that climbs out',
    'UnsafePath',
    (ref) => edit(ref, (text) => text.replace('state.json', '../../x.json')),
  ],
  [
    'a listed path that is absolute',
    'UnsafePath',
    (ref) => edit(ref, (text) => text.replace('state.json', '/etc/passwd')),
  ],
  ['a listed path with a backslash', 'UnsafePath', (ref) => edit(ref, (text) => text.replace('state.json', 'a\\\\b'))],
  [
    'a file listed twice',
    'ManifestUnreadable',
    (ref) => edit(ref, (text) => text.replace('model/weights.bin', 'state.json')),
  ],
  [
    'a checkpoint that is gone',
    'Missing',
    async (ref) => {
      await rm(fileURLToPath(ref.uri), { recursive: true });
      return undefined;
    },
  ],
];

describe('a checkpoint that must not be relied on', () => {
  test.each(damages)('%s is refused as %s', async (_, code, damage) => {
    const ref = await save(7);
    expect((await store.verify(ref)).ok).toBe(true);
    const damaged = (await damage(ref)) ?? ref;
    const verification = await store.verify(damaged);
    expect(verification).toMatchObject({ ok: false, problem: { code } });
    expect(verification.ok ? '' : verification.problem.where).toContain('step-00000007');
  });

  test('a reference to outside the store is refused', async () => {
    const elsewhere = { uri: pathToFileURL(tmpdir()).href, manifestSha256: '0'.repeat(64) };
    expect(await store.verify(elsewhere)).toMatchObject({ ok: false, problem: { code: 'UnsafePath' } });
    const climbing = { uri: `${store.uri}/checkpoints/../../x`, manifestSha256: '0'.repeat(64) };
    expect(await store.verify(climbing)).toMatchObject({ ok: false, problem: { code: 'UnsafePath' } });
  });

  test('the newest that verifies stands in, and what is wrong with newer ones is told', async () => {
    const good = await save(5);
    const bad = await save(10);
    await writeFile(pathOf(bad, 'state.json'), '{"step":9}');
    const { checkpoint, problems } = await store.latestVerified({ fresh: true });
    expect(checkpoint?.uri).toBe(good.uri);
    expect(problems.map((problem) => problem.code)).toEqual(['HashMismatch']);
  });

  test('one whose manifest was exchanged since it was recorded is refused, a later save of its step is not', async () => {
    const good = await save(5);
    const bad = await save(10);
    await edit(bad, (text) => `${text} `);
    const { checkpoint, problems } = await store.latestVerified({ recorded: [good, bad] });
    expect(checkpoint?.uri).toBe(good.uri);
    expect(problems.map((problem) => problem.code)).toEqual(['ManifestChanged']);
    await edit(bad, (text) => text.replace('2026-01-31T12:00', '2026-01-31T12:30'));
    expect((await store.latestVerified({ recorded: [good, bad] })).checkpoint?.step).toBe(10);
  });

  test('what is still being written is not seen', async () => {
    await mkdir(join(root, 'checkpoints', '.step-00000010.tmp'), { recursive: true });
    await mkdir(join(root, 'checkpoints', 'step-00000011'));
    expect(await store.list()).toEqual([]);
    expect(await store.latestVerified()).toEqual({ problems: [] });
  });
});

describe('the memory of earlier verifications', () => {
  test('notices a rewrite of the same length and keeps nothing of it', async () => {
    const ref = await save(3);
    expect((await store.verify(ref)).ok).toBe(true);
    await writeFile(pathOf(ref, 'state.json'), '{"step":9}');
    expect((await store.verify(ref)).ok).toBe(false);
    await writeFile(pathOf(ref, 'state.json'), '{"step":1}');
    expect((await store.verify(ref)).ok).toBe(true);
  });

  test('saves reading the bytes again, unless a fresh look is asked for', async () => {
    const memory: VerificationMemory = new Map();
    const remembering = openFileStore(root, memory);
    const ref = await save(3);
    expect((await remembering.verify(ref)).ok).toBe(true);
    // Bytes that changed and left no trace, as on a failing disk: only who reads them sees it.
    await writeFile(pathOf(ref, 'state.json'), '{"step":9}');
    const directory = fileURLToPath(ref.uri);
    const read = await readManifest(directory);
    if (typeof read === 'string') throw new Error(read);
    for (const key of memory.keys()) memory.set(key, await fingerprint(directory, read.manifest));
    expect((await remembering.verify(ref)).ok).toBe(true);
    expect((await remembering.verify(ref, { fresh: true })).ok).toBe(false);
    expect((await remembering.verify(ref)).ok).toBe(false);
  });
});

describe('what attempts leave besides checkpoints', () => {
  const result = {
    protocol: 1,
    attempt: 'job-1',
    outcome: 'frozen',
    step: 5,
    totalSteps: 10,
    checkpoint: null,
    artifacts: [],
    error: null,
    finishedAt: '2026-01-31T12:00:00Z',
    added: 'later',
  };
  const write = async (attempt: string, text: string): Promise<void> => {
    await mkdir(join(root, 'attempts', attempt), { recursive: true });
    await writeFile(join(root, 'attempts', attempt, 'result.json'), text);
  };

  test('a result is read, with fields of later versions', async () => {
    await write('job-1', JSON.stringify(result));
    expect(await store.result('job-1')).toMatchObject({ outcome: 'frozen', step: 5 });
  });

  test.each([
    ['of another attempt', 'job-2', JSON.stringify(result)],
    ['that is not JSON', 'job-2', '{'],
    ['with an outcome nobody knows', 'job-1', JSON.stringify({ ...result, outcome: 'great' })],
  ])('a result %s is none', async (_, attempt, text) => {
    await write(attempt, text);
    expect(await store.result(attempt)).toBeUndefined();
  });

  test.each(['absent', '../job-1', '', '.'])('there is no result of the attempt "%s"', async (attempt) => {
    expect(await store.result(attempt)).toBeUndefined();
  });

  test('the last points of the history are read, half a line is left out', async () => {
    expect(await store.metrics(3)).toEqual([]);
    const point = (n: number): object => ({
      n,
      step: n,
      time: '2026-01-31T12:00:00Z',
      loss: 1 / n,
      learningRate: null,
    });
    const lines = Array.from({ length: 10 }, (_, i) => JSON.stringify(point(i + 1))).join('\n');
    await writeFile(join(root, 'metrics.jsonl'), `${lines}\n{"n":11,"st`);
    expect((await store.metrics(3)).map((one) => one.n)).toEqual([8, 9, 10]);
    expect(await store.metrics(0)).toEqual([]);
  });
});

describe('openStore', () => {
  test.each([
    ['ftp://host/job', /ftp: ?\/\/ is not supported/],
    ['pvc://claim/job', /only a pod can read/],
    ['s3://bucket/../other', /is not a URI of S3/],
    ['/srv/job', /is not a URI/],
    ['file://host/srv/job', /names the host host/],
  ])('%s is refused with a remedy', (uri, message) => {
    expect(() => openStore(uri)).toThrow(message);
  });

  test('a path with spaces and a slash at the end is the directory it means', async () => {
    const spaced = join(root, 'a b');
    await mkdir(spaced);
    expect(openStore(`${pathToFileURL(spaced).href}/`).uri).toBe(pathToFileURL(spaced).href);
  });
});
