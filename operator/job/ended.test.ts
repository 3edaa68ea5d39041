import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { checkpoint, makeObserved } from '../../test/support/observed.ts';
import { decideJob } from './decide.ts';

const running = makeJob().attempt('Running', { createdAt: time(0) });
const freezing = makeJob().attempt('Stopping', { createdAt: time(0), stopReason: 'Budget' });
const pausing = makeJob().attempt('Stopping', { createdAt: time(0), stopReason: 'Paused' });
const deleting = makeJob()
  .attempt('Stopping', { createdAt: time(0), stopReason: 'Deleted' })
  .deleted();
const artifact = { name: 'adapter', uri: 'file:///a', manifestSha256: 'ab', sizeBytes: 1 };
const over = (job: ReturnType<typeof makeJob>, seconds = 100) => makeObserved(job.obj()).at(seconds).instance('exited');
const fault = (code: string) => ({ code, message: 'it broke', where: 'train.jsonl:3', remedy: 'mend the row' });
const exit = (reason: 'hardDeadline' | 'memoryLimit' | 'spawnFailed', seconds = 100) => ({
  exit: { code: null, signal: 'SIGKILL', at: START + seconds * 1000, reason },
});

describe('an attempt that ended', () => {
  it.each([
    {
      case: 'with a verified model succeeds',
      observed: over(running)
        .result('succeeded')
        .with({
          store: { ...over(running).result('succeeded').obj().store, artifacts: [artifact] },
        }),
      want: { phase: 'Succeeded', outcome: 'Succeeded' },
    },
    {
      case: 'claiming success without a model that verifies fails',
      observed: over(running).result('succeeded'),
      want: { phase: 'Failed', outcome: 'Failed' },
    },
    {
      case: 'on a freeze is frozen',
      observed: over(freezing).saved(40).result('stopped'),
      want: { phase: 'Freezing', outcome: 'Frozen' },
    },
    {
      case: 'on a pause is stopped',
      observed: over(pausing).saved(40).result('stopped'),
      want: { phase: 'Pausing', outcome: 'Stopped' },
    },
    {
      case: 'on a deletion just ends',
      observed: over(deleting).result('stopped'),
      want: { phase: 'Terminating', outcome: 'Stopped' },
    },
    { case: 'without a word is lost', observed: over(running), want: { phase: 'Pending', outcome: 'Lost' } },
    {
      case: 'and vanished is lost',
      observed: makeObserved(running.obj()).at(100),
      want: { phase: 'Pending', outcome: 'Lost' },
    },
    {
      case: 'by an internal error is tried again',
      observed: over(running).result('failed', { error: fault('internal') }),
      want: { phase: 'Pending', outcome: 'Lost' },
    },
    {
      case: 'by bad data fails',
      observed: over(running).result('failed', { error: fault('data.missing-field') }),
      want: { phase: 'Failed', outcome: 'Failed' },
    },
    {
      case: 'by the memory limit fails',
      observed: over(running).instance('exited', exit('memoryLimit')),
      want: { phase: 'Failed', outcome: 'Failed' },
    },
    {
      case: 'without a trainer fails',
      observed: over(running).instance('exited', exit('spawnFailed')),
      want: { phase: 'Failed', outcome: 'Failed' },
    },
    {
      case: 'at the hard deadline is frozen by the budget',
      observed: over(running, 2_726).instance('exited', exit('hardDeadline', 2_725)),
      want: { phase: 'Freezing', outcome: 'Frozen' },
    },
  ])('$case', ({ observed, want }) => {
    const { status } = decideJob(observed.obj());
    expect(status.phase).toBe(want.phase);
    expect(status.attempts?.at(-1)).toMatchObject({ state: 'Gone', outcome: want.outcome });
  });

  it('is billed until the provider saw it gone, and released', () => {
    const { status, actions } = decideJob(over(freezing).saved(40).result('stopped').at(130).obj());
    expect(status.attempts?.at(-1)).toMatchObject({ goneAt: time(100), cost: '0.166667' });
    expect(actions.map((action) => action.type)).toEqual(['Release']);
  });

  it('says plainly which work was lost', () => {
    const { status } = decideJob(over(freezing).saved(20).result('stopped', { step: 33 }).obj());
    expect(status.attempts?.at(-1)?.message).toBe(
      '13 steps of work were lost: the last verified checkpoint is of step 20',
    );
  });

  it('says what to do about bad data', () => {
    const { status } = decideJob(
      over(running)
        .result('failed', { error: fault('data.missing-field') })
        .obj(),
    );
    expect(status.diagnosis).toEqual([
      {
        code: 'data.missing-field',
        severity: 'Error',
        message: 'it broke (train.jsonl:3)',
        remedy: 'mend the row',
        remedies: [{ text: 'mend the row', costsMore: false }],
        evidence: ['attempt 1 on here ended at step 0'],
        attempt: 1,
        at: time(100),
      },
    ]);
    expect(status.conditions?.find((one) => one.type === 'Failed')?.reason).toBe('DataMissingField');
  });
});

describe('a trainer that froze itself', () => {
  const info = { ...checkpoint(40), reason: 'deadline' as const, seconds: 2 };

  it('for want of money is frozen until the budget is raised', () => {
    const job = makeJob().attempt('Running', { createdAt: time(0) });
    const observed = makeObserved(job.obj()).at(2_715).instance('exited').saved(40);
    const { status } = decideJob(observed.result('frozen', { checkpoint: info }).obj());
    expect(status.attempts?.at(-1)).toMatchObject({ outcome: 'Frozen', stopReason: 'Budget' });
    expect(status.freeze).toMatchObject({ reason: 'Budget', limit: '5.00' });
  });

  it('at a deadline that a raise had already moved goes on', () => {
    const observed = makeObserved(running.obj()).at(2_715).instance('exited').saved(40).goal({ limit: '9.00' });
    const { status } = decideJob(observed.result('frozen', { checkpoint: info }).obj());
    expect(status.freeze).toBeUndefined();
    const next = decideJob(
      makeObserved({ ...running.obj(), status })
        .at(2_716)
        .saved(40)
        .goal({ limit: '9.00' })
        .obj(),
    );
    expect(next.status.phase).toBe('Provisioning');
  });

  it('because its machine went down goes on', () => {
    const { status } = decideJob(over(running).saved(40).result('frozen').obj());
    expect(status.freeze).toBeUndefined();
    const next = decideJob(
      makeObserved({ ...running.obj(), status })
        .at(101)
        .saved(40)
        .obj(),
    );
    expect(next.status.attempts?.at(-1)).toMatchObject({ number: 2, resumedFromStep: 40 });
  });
});

describe('an attempt whose log tells why it ended', () => {
  const line = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB';
  const running = makeJob().attempt('Running', { createdAt: time(0) });
  const ended = (reason: 'exited' | 'evicted', logTail?: readonly string[]) =>
    decideJob(
      makeObserved(running.obj())
        .at(100)
        .instance('exited', { exit: { code: null, signal: 'SIGKILL', at: START + 100_000, reason } })
        .with({ logTail })
        .obj(),
    ).status;

  it('fails for that reason, with the line as evidence', () => {
    const status = ended('exited', ['loading', line]);
    expect(status.attempts?.at(-1)).toMatchObject({ outcome: 'Failed', message: 'the memory of the GPU ran out' });
    expect(status.diagnosis).toMatchObject([{ code: 'outOfMemory', severity: 'Error' }]);
    expect(status.diagnosis?.[0]?.evidence).toContain(`the log says: ${line}`);
    expect(status.diagnosis?.[0]?.remedies?.[0]?.change).toBe('hyperparameters.gradientCheckpointing=true');
  });

  it('is lost, and begun again, where the log says nothing', () => {
    expect(ended('exited', ['loading']).attempts?.at(-1)?.outcome).toBe('Lost');
    expect(ended('exited').attempts?.at(-1)?.outcome).toBe('Lost');
  });

  it('is lost where its machine was taken, whatever stands in its log', () => {
    expect(ended('evicted', [line]).attempts?.at(-1)?.outcome).toBe('Lost');
  });

  it('is begun again where its processes lost each other', () => {
    const status = ended('exited', ['[rank1]: Watchdog caught collective operation timeout: WorkNCCL(SeqNum=8']);
    expect(status.attempts?.at(-1)?.outcome).toBe('Lost');
    expect(status.diagnosis).toMatchObject([{ code: 'peerLost' }]);
  });

  it('says more than a trainer that does not know what happened', () => {
    const error = { code: 'internal', message: 'a fault', where: null, remedy: null };
    const observed = makeObserved(running.obj()).at(100).instance('exited').result('failed', { error });
    expect(decideJob(observed.with({ logTail: [line] }).obj()).status.diagnosis).toMatchObject([
      { code: 'outOfMemory' },
    ]);
  });
});

it('gives up where one trainer after the other freezes itself at once: each start costs money and brings nothing', () => {
  const vain = { outcome: 'Frozen', lastStep: 0 } as const;
  const third = makeJob()
    .attempt('Gone', vain)
    .attempt('Gone', vain)
    .attempt('Running', { createdAt: time(180) });
  const { status, actions } = decideJob(
    makeObserved(third.obj()).at(200).instance('exited').result('frozen', { step: 0 }).obj(),
  );
  expect(status.phase).toBe('Failed');
  expect(actions.map(({ type }) => type)).not.toContain('Launch');
  expect(status.conditions?.find(({ type }) => type === 'Failed')?.message).toContain('no time for a step');
});
