import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import type { StoreError } from '@kriptik/operator/store/errors.ts';
import type { S3Access } from '@kriptik/operator/store/location.ts';
import { openS3Store, S3Memory } from '@kriptik/operator/store/s3-store.ts';
import type { CheckpointRef, CheckpointStore } from '@kriptik/operator/store/store.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startS3, type TestS3 } from '../../support/s3.ts';
import { accessTo, S3Writer } from '../../support/s3-saved.ts';

let server: TestS3;
let writer: S3Writer;
let prefix: string;
let store: CheckpointStore;

const open = (
  options: { access?: S3Access; patienceMs?: number; now?: () => number; memory?: S3Memory } = {},
): CheckpointStore => {
  const { access = accessTo(server), patienceMs = 20_000, now = Date.now, memory = new S3Memory(now) } = options;
  const uri = `s3://${server.bucket}/${prefix}`;
  return openS3Store(uri, { access: async () => access, memory, patienceMs, now });
};

beforeAll(async () => {
  server = await startS3();
  writer = new S3Writer(server);
});
afterAll(async () => {
  writer?.close();
  await server?.stop();
});
beforeEach(() => {
  prefix = `team/${randomUUID()}`;
  store = open();
});

const FILES = { 'state.json': '{"step":1}', 'model/weights.bin': Buffer.alloc(3_000_000, 'w') };
const save = (step: number, files: Record<string, string | Buffer> = FILES): Promise<CheckpointRef> =>
  writer.save(`${prefix}/checkpoints`, { name: `step-${String(step).padStart(8, '0')}`, step, files });
const keyOf = (ref: CheckpointRef, file: string): string => `${ref.uri.slice(`s3://${server.bucket}/`.length)}/${file}`;

describe('a checkpoint in a bucket', () => {
  test('is listed newest first and verifies by reading every byte', async () => {
    const old = await save(5);
    const newest = await save(10);
    expect(await store.list()).toEqual([newest, old]);
    expect(await store.verify(newest)).toMatchObject({ ok: true, checkpoint: newest });
    expect(await store.latestVerified({ fresh: true })).toMatchObject({ checkpoint: newest, problems: [] });
  });

  test('of two of the same step the one that was made last is the newest', async () => {
    const first = await save(5);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await save(5);
    expect((await store.list()).map((ref) => ref.uri)).toEqual([second.uri, first.uri]);
  });

  test('is found among more objects than one page of a listing holds', async () => {
    const files = Object.fromEntries(Array.from({ length: 1_050 }, (_, n) => [`part-${n}`, `${n}`]));
    const large = await save(10, files);
    await save(20, {});
    expect((await store.list()).map((ref) => ref.step)).toEqual([20, 10]);
    expect((await store.verify(large)).ok).toBe(true);
  });

  test('is read with keys that may only read', async () => {
    const ref = await save(5);
    const reading = open({ access: accessTo(server, server.reader) });
    expect((await reading.latestVerified()).checkpoint?.uri).toBe(ref.uri);
  });

  test('does not exist before its manifest does', async () => {
    await writer.put(`${prefix}/checkpoints/step-00000010.0a0b0c0d/state.json`, '{}');
    expect(await store.list()).toEqual([]);
    expect(await store.latestVerified()).toEqual({ problems: [] });
  });
});

const manifestOf = (ref: CheckpointRef, change: (text: string) => string): Promise<CheckpointRef> =>
  fetchText(ref).then(async (text) => {
    await writer.put(keyOf(ref, 'MANIFEST.json'), change(text));
    return (await store.list()).find((one) => one.uri === ref.uri) ?? ref;
  });
const fetchText = async (ref: CheckpointRef): Promise<string> => {
  const { readFile } = await import('node:fs/promises');
  return readFile(`${server.dir}/${keyOf(ref, 'MANIFEST.json')}`, 'utf8');
};

type Damage = (ref: CheckpointRef) => Promise<CheckpointRef | undefined> | Promise<void>;
const damages: [string, string, Damage][] = [
  ['a file swapped', 'HashMismatch', (ref) => writer.put(keyOf(ref, 'state.json'), '{"step":2}')],
  ['a byte that rotted on the disk', 'HashMismatch', async (ref) => server.corrupt(keyOf(ref, 'model/weights.bin'))],
  ['an object cut short', 'SizeMismatch', async (ref) => server.truncate(keyOf(ref, 'model/weights.bin'))],
  ['an object that is gone', 'FileMissing', (ref) => writer.delete(keyOf(ref, 'model/weights.bin'))],
  ['an object nobody vouches for', 'UnexpectedFile', (ref) => writer.put(keyOf(ref, 'model/optimizer.pkl'), 'code')],
  [
    'a manifest changed after it was recorded',
    'ManifestChanged',
    async (ref) => {
      await manifestOf(ref, (text) => `${text} `);
    },
  ],
  ['a manifest of no bytes', 'ManifestUnreadable', (ref) => writer.put(keyOf(ref, 'MANIFEST.json'), '')],
  ['a manifest that is gone', 'Missing', (ref) => writer.delete(keyOf(ref, 'MANIFEST.json'))],
  [
    'a listed path that climbs out',
    'UnsafePath',
    (ref) => manifestOf(ref, (text) => text.replace('state.json', '../x.json')),
  ],
  [
    'a listed path that is absolute',
    'UnsafePath',
    (ref) => manifestOf(ref, (text) => text.replace('state.json', '/etc/x')),
  ],
];

describe('a checkpoint in a bucket that must not be relied on', () => {
  test.each(damages)('%s is refused as %s', async (_, code, damage) => {
    const ref = await save(7);
    const memory = new S3Memory();
    expect((await open({ memory }).verify(ref)).ok).toBe(true);
    const damaged = (await damage(ref)) ?? ref;
    // In a process of its own, which remembers nothing.
    expect(await store.verify(damaged)).toMatchObject({ ok: false, problem: { code } });
    expect((await store.verify(damaged)) as object).toMatchObject({
      problem: { where: expect.stringContaining('step-00000007') },
    });
  });

  test.each(damages.slice(0, 7))(
    '%s: the newest whole one stands in, and what is wrong is told',
    async (_, code, damage) => {
      const good = await save(5);
      const bad = await save(10);
      await damage(bad);
      const { checkpoint, problems } = await store.latestVerified({ fresh: true, recorded: [good, bad] });
      expect(checkpoint?.uri).toBe(good.uri);
      expect(problems.map((problem) => problem.code)).toEqual([code]);
    },
  );

  test.each(['s3://other/x', 'file:///etc', '../x'])(
    'a reference to %s, outside the store, is refused',
    async (uri) => {
      const verification = await store.verify({ uri, manifestSha256: '0'.repeat(64) });
      expect(verification).toMatchObject({ ok: false, problem: { code: 'UnsafePath' } });
      const climbing = { uri: `${store.uri}/checkpoints/..`, manifestSha256: '0'.repeat(64) };
      expect((await store.verify(climbing)).ok).toBe(false);
    },
  );
});

describe('reading back in the background', () => {
  test('says how far it has come, reads once, and answers who asks again', async () => {
    const older = await save(5);
    await store.verify(older);
    const ref = await save(10, { 'weights.bin': Buffer.alloc(60_000_000, 'x') });
    const memory = new S3Memory();
    const hasty = open({ memory, patienceMs: 1 });
    await open({ memory }).verify(older);

    const first = await hasty.latestVerified();
    expect(first.pending).toMatchObject({ step: 10, uri: ref.uri, totalBytes: 60_000_000 });
    expect(first.checkpoint?.uri).toBe(older.uri);
    expect(await hasty.verify(ref)).toMatchObject({ ok: false, problem: { code: 'Verifying' } });
    const begun = performance.now();
    await expect.poll(async () => (await hasty.latestVerified()).checkpoint?.uri, { timeout: 20_000 }).toBe(ref.uri);
    expect((await hasty.latestVerified()).pending).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  test('a fresh look reads again once, however often it is asked for', async () => {
    let now = Date.parse('2026-01-31T12:00:00Z');
    const memory = new S3Memory(() => now);
    const looking = open({ memory, now: () => now });
    const ref = await save(10);
    const at = async (fresh: boolean): Promise<string> => {
      const verification = await looking.verify(ref, { fresh });
      return verification.ok ? verification.checkpoint.verifiedAt : '';
    };
    const first = await at(false);
    now += 600_000;
    expect(await at(false)).toBe(first);
    const fresh = await at(true);
    expect(fresh).not.toBe(first);
    now += 30_000;
    expect(await at(true)).toBe(fresh);
    now += 61_000;
    expect(await at(true)).not.toBe(fresh);
  });

  test('what was written anew in between is read anew', async () => {
    const ref = await save(10);
    expect((await store.verify(ref)).ok).toBe(true);
    await writer.put(keyOf(ref, 'state.json'), '{"step":9}');
    expect((await store.verify(ref)).ok).toBe(false);
    await writer.put(keyOf(ref, 'state.json'), FILES['state.json']);
    expect((await store.verify(ref)).ok).toBe(true);
  });
});

describe('what attempts leave in a bucket besides checkpoints', () => {
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
  };

  test('the result of an attempt', async () => {
    expect(await store.result('job-1')).toBeUndefined();
    await writer.put(`${prefix}/attempts/job-1/result.json`, JSON.stringify(result));
    expect(await store.result('job-1')).toMatchObject({ outcome: 'frozen', step: 5 });
    await writer.put(`${prefix}/attempts/job-2/result.json`, JSON.stringify(result));
    expect(await store.result('job-2')).toBeUndefined();
    expect(await store.result('../job-1')).toBeUndefined();
  });

  test('the newest version of each artifact', async () => {
    const artifact = (name: string, createdAt: string): Promise<CheckpointRef> =>
      writer.save(`${prefix}/artifacts`, { name, step: 9, files: FILES, createdAt });
    await artifact('merged', '2026-01-31T12:00:00.000Z');
    const merged = await artifact('merged', '2026-01-31T12:05:00.000Z');
    const adapter = await artifact('adapter', '2026-01-31T12:01:00.000Z');
    const found = await store.artifacts();
    expect(found).toEqual([
      { name: 'adapter', ...adapter },
      { name: 'merged', ...merged },
    ]);
    for (const one of found) expect((await store.verify(one, { fresh: true })).ok).toBe(true);
  });

  test('the end of the history, across the parts that were put aside', async () => {
    const line = (n: number): string =>
      `${JSON.stringify({ n, step: n, time: '2026-01-31T12:00:00Z', loss: 1, learningRate: null })}\n`;
    const lines = (from: number, to: number): string =>
      Array.from({ length: to - from + 1 }, (_, i) => line(from + i)).join('');
    expect(await store.metrics(3)).toEqual([]);
    await writer.put(`${prefix}/metrics/000000000001.jsonl`, lines(1, 10));
    await writer.put(`${prefix}/metrics/000000000011.jsonl`, lines(11, 20));
    await writer.put(`${prefix}/metrics.jsonl`, lines(21, 23));
    const numbers = async (limit: number): Promise<number[]> => (await store.metrics(limit)).map((point) => point.n);
    expect(await numbers(2)).toEqual([22, 23]);
    expect(await numbers(15)).toEqual(Array.from({ length: 15 }, (_, i) => 9 + i));
    expect(await numbers(100)).toHaveLength(23);
    expect(await numbers(0)).toEqual([]);
  });
});

describe('a store that cannot be looked at', () => {
  const kindOf = (look: Promise<unknown>): Promise<unknown> =>
    look.then(
      () => 'none',
      (error: StoreError) => error.kind,
    );

  test('says why, and never that it is empty', async () => {
    const access = accessTo(server);
    const wrong = { accessKeyId: server.accessKeyId, secretAccessKey: 'not-the-secret' };
    const unknown = { accessKeyId: 'nobody', secretAccessKey: 'not-the-secret' };
    const kinds = {
      wrong: await kindOf(open({ access: accessTo(server, wrong) }).list()),
      unknown: await kindOf(open({ access: accessTo(server, unknown) }).latestVerified()),
      stranger: await kindOf(open({ access: accessTo(server, server.stranger) }).list()),
      bucket: await kindOf(
        openS3Store('s3://no-such/x', { access: async () => access, memory: new S3Memory() }).list(),
      ),
      endpoint: await kindOf(open({ access: { ...access, endpoint: 'http://127.0.0.1:1' } }).artifacts()),
    };
    expect(kinds).toEqual({
      wrong: 'BadCredentials',
      unknown: 'BadCredentials',
      stranger: 'Forbidden',
      bucket: 'BucketMissing',
      endpoint: 'Unreachable',
    });
    const error = await open({ access: accessTo(server, wrong) })
      .list()
      .catch((one: StoreError) => one);
    expect(JSON.stringify(error) + (error as StoreError).message).not.toContain('not-the-secret');
    expect((error as StoreError).remedy).not.toBe('');
  });

  test('one that takes calls and says nothing is given up within ten seconds, and at once after that', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const waiting = open({ access: { ...accessTo(server), endpoint: `http://127.0.0.1:${port}` } });
    const start = performance.now();
    expect(await kindOf(waiting.list())).toBe('Unreachable');
    expect(performance.now() - start).toBeLessThan(10_000);
    const again = performance.now();
    expect(await kindOf(waiting.result('job-1'))).toBe('Unreachable');
    expect(performance.now() - again).toBeLessThan(100);
    silent.close();
  }, 30_000);

  test('one that went away while it was read back is asked again when it is there', async () => {
    const ref = await save(10, { 'weights.bin': Buffer.alloc(30_000_000, 'x') });
    let now = 0;
    const looking = open({ memory: new S3Memory(() => now), now: () => now });
    await looking.list();
    await server.interrupt();
    expect(await kindOf(looking.latestVerified())).toBe('Unreachable');
    await server.resume();
    now += 10_000;
    expect((await looking.latestVerified()).checkpoint?.uri).toBe(ref.uri);
  }, 60_000);
});
