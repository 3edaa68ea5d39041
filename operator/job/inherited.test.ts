import type { TrainingJob } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import type { ProviderRuntime } from '../provider/registry.ts';
import type { CheckpointRef, CheckpointStore, Problem, Verification } from '../store/store.ts';
import { inheritanceMoved, withInheritance } from './inherited.ts';
import type { StoreView } from './types.ts';

const ref = (step: number): CheckpointRef => ({
  step,
  uri: `s3://bucket/jobs/before/checkpoints/step-${step}`,
  manifestSha256: String(step).padStart(64, '0'),
  sizeBytes: 10,
  createdAt: time(step),
  attempt: 'kriptik-before-1',
});
const job: TrainingJob = {
  ...makeJob().obj(),
  spec: {
    ...makeJob().obj().spec,
    continues: {
      job: { name: 'before', uid: 'before' },
      agreed: '0.00',
      spent: '0.00',
      checkpoint: { ...ref(60), provider: 'bucket', jobUid: 'before' },
    },
  },
};
const empty: StoreView = { checkpoints: [], artifacts: [], problems: [] };

/** A bucket whose folder of the job before holds checkpoints, some of them broken. */
function keeperOf(broken: Readonly<Record<number, Problem['code']>> = {}, root = 's3://bucket/jobs') {
  const asked: number[] = [];
  const verify = async ({ uri }: { uri: string }): Promise<Verification> => {
    const step = Number(uri.split('-').at(-1));
    asked.push(step);
    const code = broken[step];
    return code === undefined
      ? { ok: true, checkpoint: { ...ref(step), verifiedAt: time(99) } }
      : { ok: false, problem: { code, message: 'it changed', where: uri } };
  };
  const store = { verify, list: async () => [ref(80), ref(60), ref(40), ref(20)] } as unknown as CheckpointStore;
  const keeper = { storeUri: (uid: string) => `${root}/${uid}`, openStore: () => store } as unknown as ProviderRuntime;
  return { keeper, asked };
}

describe('a job that goes on from what the one before it saved', () => {
  it('begins with exactly that', async () => {
    const { keeper, asked } = keeperOf();
    const view = await withInheritance(empty, job, keeper, false);
    expect(view.latest).toMatchObject({ step: 60, manifestSha256: ref(60).manifestSha256, verifiedAt: time(99) });
    // It is kept and paid for with the job before.
    expect(view.checkpoints).toEqual([]);
    expect(asked).toEqual([60]);
  });

  it('looks at its own once it has saved one', async () => {
    const { keeper, asked } = keeperOf();
    const own: StoreView = { ...empty, latest: { ...ref(90), reason: 'Periodic' } };
    expect(await withInheritance(own, job, keeper, false)).toBe(own);
    expect(asked).toEqual([]);
  });

  it('takes the newest whole one before it where that is broken, and says so', async () => {
    const { keeper } = keeperOf({ 60: 'HashMismatch', 40: 'Missing' });
    const view = await withInheritance(empty, job, keeper, false);
    expect(view.latest?.step).toBe(20);
    expect(view.problems).toEqual([expect.stringContaining('step-60'), expect.stringContaining('step-40')]);
  });

  it('starts over only where none is whole', async () => {
    const { keeper } = keeperOf({ 60: 'Missing', 40: 'Missing', 20: 'Missing' });
    const view = await withInheritance(empty, job, keeper, false);
    expect(view.latest).toBeUndefined();
    expect(view.problems).toHaveLength(3);
  });

  it('begins nothing where the folder shows nothing at all', async () => {
    const { keeper } = keeperOf({ 60: 'Missing' });
    const store = { ...keeper.openStore('before'), list: async () => [] };
    const view = await withInheritance(empty, job, { ...keeper, openStore: () => store }, false);
    expect(view).toMatchObject({ latest: { step: 60 }, unavailable: { reason: 'StoreEmpty' } });
  });

  it('concludes nothing while it is read back', async () => {
    const { keeper } = keeperOf({ 60: 'Verifying' });
    const view = await withInheritance(empty, job, keeper, 'before');
    expect(view.latest).toBeUndefined();
    expect(view.pending).toEqual({ step: 60, doneBytes: 0, totalBytes: 10 });
  });

  it('finds no other folder where the provider changed its store', () => {
    expect(inheritanceMoved(job, keeperOf().keeper)).toBeUndefined();
    expect(inheritanceMoved(job, keeperOf({}, 's3://other').keeper)).toMatchObject({ reason: 'StoreMoved' });
    expect(inheritanceMoved(makeJob().obj(), keeperOf({}, 's3://other').keeper)).toBeUndefined();
  });
});
