import { describe, expect, test } from 'vitest';
import type { Inspect } from './inspect.ts';
import { openPvcStore, PvcMemory } from './pvc-store.ts';
import type { CheckpointStore } from './store.ts';

const URI = 'pvc://claim/jobs/1';
const saved = (step: number, verified = true): object => ({
  step,
  uri: `${URI}/checkpoints/step-${step}`,
  manifestSha256: `${step}`.padStart(64, '0'),
  sizeBytes: 100,
  createdAt: '2026-01-31T12:00:00Z',
  attempt: 'job-1',
  verified,
  ...(verified ? {} : { problem: 'state.json is not what MANIFEST.json says' }),
});
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
const document = (steps: object[]): object => ({
  uri: URI,
  checkpoints: steps,
  artifacts: [{ name: 'merged', ...saved(9), uri: `${URI}/artifacts/merged` }],
  results: [{ attempt: 'job-0' }, result],
  metricsTail: [
    { n: 1, step: 1, time: '2026-01-31T12:00:00Z', loss: 1, learningRate: null },
    { n: 2, step: 2, time: '2026-01-31T12:00:01Z', loss: null, learningRate: null },
  ],
});

/** A claim whose reader answers at once, or when the test says so. */
const claim = (
  answers: (() => Promise<unknown>)[],
): { store: () => CheckpointStore; looks: boolean[]; pass: (ms: number) => void } => {
  let now = Date.parse('2026-01-31T13:00:00Z');
  const looks: boolean[] = [];
  const memory = new PvcMemory(() => now);
  const inspect: Inspect = (_, { fresh }) => {
    looks.push(fresh);
    return (answers.length > 1 ? answers.shift() : answers[0])?.() ?? Promise.reject(new Error('no more'));
  };
  return {
    store: () => openPvcStore(URI, { inspect, memory, patienceMs: 20, now: () => now }),
    looks,
    pass: (ms) => {
      now += ms;
    },
  };
};

describe('a store on a claim', () => {
  test('is told by one look of a pod, which serves until it is old', async () => {
    const { store, looks, pass } = claim([async () => document([saved(10, false), saved(5)])]);
    expect((await store().list()).map((ref) => ref.step)).toEqual([10, 5]);
    expect(await store().latestVerified()).toMatchObject({
      checkpoint: { step: 5, verifiedAt: '2026-01-31T13:00:00.000Z' },
      problems: [{ code: 'HashMismatch' }],
    });
    expect((await store().artifacts()).map((artifact) => artifact.name)).toEqual(['merged']);
    expect(await store().result('job-1')).toMatchObject({ outcome: 'frozen' });
    expect(await store().result('job-0')).toBeUndefined();
    expect((await store().metrics(1)).map((point) => point.n)).toEqual([2]);
    expect(looks).toEqual([false]);
    pass(301_000);
    await store().list();
    expect(looks).toEqual([false, false]);
  });

  test('says that a first look is under way, and asks one pod only', async () => {
    const answer = Promise.withResolvers<unknown>();
    const { store, looks } = claim([() => answer.promise]);
    await expect(store().latestVerified({ fresh: true })).rejects.toMatchObject({ kind: 'Looking' });
    await expect(store().list()).rejects.toMatchObject({ kind: 'Looking' });
    answer.resolve(document([saved(5)]));
    expect((await store().latestVerified({ fresh: true })).checkpoint?.step).toBe(5);
    expect(looks).toEqual([true]);
  });

  test('concludes nothing from an old look where a fresh one is asked for', async () => {
    const answer = Promise.withResolvers<unknown>();
    const { store, pass } = claim([async () => document([saved(5)]), () => answer.promise]);
    await store().list();
    pass(1_000);
    expect((await store().latestVerified({ fresh: true })).pending).toMatchObject({ step: 5 });
    const ref = { uri: `${URI}/checkpoints/step-5`, manifestSha256: '5'.padStart(64, '0') };
    expect(await store().verify(ref, { fresh: true })).toMatchObject({ ok: false, problem: { code: 'Verifying' } });
    answer.resolve(document([saved(10), saved(5)]));
    const latest = await store().latestVerified({ fresh: true });
    expect([latest.checkpoint?.step, latest.pending]).toEqual([10, undefined]);
    expect((await store().verify(ref, { fresh: true })).ok).toBe(true);
    expect(await store().verify({ ...ref, manifestSha256: 'f'.repeat(64) })).toMatchObject({
      problem: { code: 'ManifestChanged' },
    });
  });

  test('takes a look from before an attempt for none after its end, however soon that came', async () => {
    const { store, looks, pass } = claim([async () => document([]), async () => document([saved(10)])]);
    expect((await store().latestVerified({ fresh: 'before attempt 1' })).checkpoint).toBeUndefined();
    pass(20_000);
    expect((await store().latestVerified({ fresh: 'after attempt 1' })).checkpoint?.step).toBe(10);
    expect((await store().latestVerified({ fresh: 'after attempt 1' })).checkpoint?.step).toBe(10);
    expect(looks).toHaveLength(2);
  });

  test.each([
    ['a pod that cannot run', async () => Promise.reject(new Error('the claim is not bound'))],
    ['a pod that prints something else', async () => ({ hello: 'world' })],
  ])('%s leaves the store unreachable, and is not tried again at once', async (_, answer) => {
    const { store, looks, pass } = claim([answer]);
    await expect(store().latestVerified({ fresh: true })).rejects.toMatchObject({ kind: 'Unreachable' });
    await expect(store().list()).rejects.toMatchObject({ kind: 'Unreachable' });
    expect(looks).toHaveLength(1);
    pass(6_000);
    await expect(store().list()).rejects.toMatchObject({ kind: 'Unreachable' });
    expect(looks).toHaveLength(2);
  });
});
