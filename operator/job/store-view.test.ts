import { expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { checkpoint } from '../../test/support/observed.ts';
import type { CheckpointRef, CheckpointStore, Problem } from '../store/store.ts';
import type { AttemptResult } from '../trainer/result.ts';
import { viewStore } from './store-view.ts';

const ref = (step: number): CheckpointRef => {
  const { reason: _reason, verifiedAt: _verified, ...rest } = checkpoint(step);
  return rest;
};
const problem: Problem = { code: 'HashMismatch', message: 'the hash differs', where: 'step-40/weights' };
const job = makeJob().attempt('Running');
const newest = job.obj().status?.attempts?.at(-1);

interface Held {
  readonly steps: readonly number[];
  readonly broken?: readonly number[];
  readonly result?: Partial<AttemptResult>;
  readonly artifacts?: readonly { name: string; ok: boolean }[];
}

/** A store that holds what is said, newest first as stores list. */
function holding({ steps, broken = [], result, artifacts = [] }: Held): CheckpointStore & { asked: boolean[] } {
  const asked: boolean[] = [];
  const newestGood = steps.findLast((step) => !broken.includes(step));
  return {
    uri: 'file:///store',
    asked,
    list: async () => steps.map(ref).toReversed(),
    latestVerified: async (options) => {
      asked.push(options?.fresh === true);
      const problems = broken.length > 0 ? [problem] : [];
      return newestGood === undefined
        ? { problems }
        : { checkpoint: { ...ref(newestGood), verifiedAt: time(500) }, problems };
    },
    verify: async ({ uri }) =>
      artifacts.find((one) => uri.endsWith(one.name))?.ok === true
        ? { ok: true, checkpoint: { ...ref(1), verifiedAt: time(500) } }
        : { ok: false, problem },
    artifacts: async () => artifacts.map(({ name }) => ({ ...ref(1), name, uri: `file:///store/${name}` })),
    result: async () =>
      result === undefined
        ? undefined
        : {
            protocol: 1,
            attempt: newest?.name ?? '',
            outcome: 'succeeded',
            step: 40,
            totalSteps: 40,
            checkpoint: null,
            artifacts: [],
            error: null,
            finishedAt: time(400),
            ...result,
          },
    metrics: async () => [],
  };
}

it('lists checkpoints oldest first and names the newest that verifies', async () => {
  const view = await viewStore(holding({ steps: [20, 40], broken: [40] }), job.obj(), newest, false);
  expect(view.checkpoints.map((one) => one.step)).toEqual([20, 40]);
  expect(view.latest?.step).toBe(20);
  expect(view.problems).toEqual(['step-40/weights: the hash differs']);
});

it('keeps the moment at which a checkpoint was verified first', async () => {
  const known = job.status({ checkpoints: [checkpoint(20)] }).obj();
  const view = await viewStore(holding({ steps: [20] }), known, newest, false);
  expect(view.latest?.verifiedAt).toBe(time(20));
});

it('takes the word back for a checkpoint that broke since it was verified', async () => {
  const known = job.status({ checkpoints: [checkpoint(20), checkpoint(40)] }).obj();
  const view = await viewStore(holding({ steps: [20, 40], broken: [40] }), known, newest, true);
  expect(view.checkpoints.map((one) => one.verifiedAt)).toEqual([time(20), undefined]);
});

it('hashes afresh when it is asked to', async () => {
  const store = holding({ steps: [20] });
  await viewStore(store, job.obj(), newest, true);
  await viewStore(store, job.obj(), newest, false);
  expect(store.asked).toEqual([true, false]);
});

it('takes the reason of a checkpoint from the result of the attempt', async () => {
  const saved = { ...ref(40), reason: 'requested' as const, seconds: 1 };
  const store = holding({ steps: [40], result: { outcome: 'stopped', checkpoint: saved } });
  expect((await viewStore(store, job.obj(), newest, true)).latest?.reason).toBe('Requested');
});

it('one broken artifact spoils the whole', async () => {
  const artifacts = [
    { name: 'adapter', ok: true },
    { name: 'merged', ok: false },
  ];
  const view = await viewStore(holding({ steps: [40], result: {}, artifacts }), job.obj(), newest, true);
  expect(view.artifacts).toEqual([]);
  expect(view.problems).toEqual(['step-40/weights: the hash differs']);
});

it('artifacts of an attempt that did not succeed do not count', async () => {
  const artifacts = [{ name: 'adapter', ok: true }];
  const store = holding({ steps: [40], result: { outcome: 'stopped' }, artifacts });
  expect((await viewStore(store, job.obj(), newest, true)).artifacts).toEqual([]);
});

it('keeps the record of a checkpoint whose manifest was exchanged, so that it is refused at the next look too', async () => {
  const changed: Problem = { code: 'ManifestChanged', message: 'it is not the recorded one', where: ref(40).uri };
  const other = { ...ref(40), manifestSha256: 'f'.repeat(64) };
  const store: CheckpointStore = {
    ...holding({ steps: [20, 40] }),
    list: async () => [other, ref(20)],
    latestVerified: async () => ({ checkpoint: { ...ref(20), verifiedAt: time(500) }, problems: [changed] }),
  };
  const known = job.status({ checkpoints: [checkpoint(20), checkpoint(40)] }).obj();
  const [, newer] = (await viewStore(store, known, newest, false)).checkpoints;
  expect(newer).toMatchObject({ step: 40, manifestSha256: ref(40).manifestSha256 });
  expect(newer?.verifiedAt).toBeUndefined();
});
