import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { makeObserved, readyProvider } from '../../test/support/observed.ts';
import type { Instance, WaitReason } from '../backends/backend.ts';
import { decideJob } from './decide.ts';

const ms = (seconds: number): number => START + seconds * 1000;
const creating = makeJob().attempt('Creating', { createdAt: time(0), deadline: time(2_719) });
const waits = (reason: WaitReason, since = 5): Partial<Instance> => ({
  waiting: { reason, message: 'no node has a free a100', since: ms(since) },
});
const inQueue = (reason: WaitReason, seconds: number, job = creating, since = 5) =>
  makeObserved(job.obj()).at(seconds).instance('queued', waits(reason, since));
const ready = (decision: ReturnType<typeof decideJob>) =>
  decision.status.conditions?.find(({ type }) => type === 'Ready');
const kinds = (decision: ReturnType<typeof decideJob>) => decision.actions.map(({ type }) => type);

describe('an attempt that waits for hardware', () => {
  it.each([
    { case: 'in a queue', observed: inQueue('Queued', 60), want: { phase: 'Pending', reason: 'Queued', actions: [] } },
    {
      case: 'for a quota',
      observed: inQueue('QuotaExceeded', 60),
      want: { phase: 'Pending', reason: 'QuotaExceeded', actions: [] },
    },
    {
      case: 'for its image, on a node that is paid',
      observed: makeObserved(creating.obj())
        .at(60)
        .instance('starting', { ...waits('ImagePull'), billedFrom: ms(10) }),
      want: { phase: 'Provisioning', reason: 'ImagePull', actions: [] },
    },
    {
      case: 'too long',
      observed: inQueue('InsufficientCapacity', 606),
      want: { phase: 'Pending', reason: 'InsufficientCapacity', actions: ['Terminate'] },
    },
    {
      case: 'for ever in a queue, which nobody times',
      observed: inQueue('Queued', 40_000, makeJob().attempt('Creating', { createdAt: time(0) })),
      want: { phase: 'Pending', reason: 'Queued', actions: [] },
    },
    {
      case: 'for an image that never comes',
      observed: makeObserved(creating.obj())
        .at(606)
        .instance('starting', { ...waits('ImagePull'), billedFrom: ms(10) }),
      want: { phase: 'Pending', reason: 'ImagePull', actions: ['Terminate'] },
    },
    {
      case: 'when it is paused',
      observed: inQueue('Queued', 60, creating.replicas(0)),
      want: { phase: 'Pausing', reason: 'Pausing', actions: ['Terminate'] },
    },
    {
      case: 'when it is deleted',
      observed: inQueue('Queued', 60, creating.deleted()),
      want: { phase: 'Terminating', reason: 'Terminating', actions: ['Terminate'] },
    },
    {
      case: 'when its goal is suspended',
      observed: inQueue('Queued', 60).goal({ suspended: true }),
      want: { phase: 'Pausing', reason: 'Pausing', actions: ['Terminate'] },
    },
    {
      case: 'when a newer plan was approved',
      observed: inQueue('Queued', 60).with({ supersededBy: 'faq-2' }),
      want: { phase: 'Pausing', reason: 'Pausing', actions: ['Terminate'] },
    },
    {
      case: 'when its approval is gone',
      observed: inQueue('Queued', 60).with({ approval: { approved: false, reason: 'PlanMissing', message: '' } }),
      want: { phase: 'Pausing', reason: 'Pausing', actions: ['Terminate'] },
    },
    {
      case: 'when the budget was cut below its start',
      observed: inQueue('Queued', 60).goal({ limit: '0.01' }),
      want: { phase: 'Freezing', reason: 'Freezing', actions: ['Terminate'] },
    },
  ])('$case', ({ observed, want }) => {
    const decision = decideJob(observed.obj());
    expect(decision.status.phase).toBe(want.phase);
    expect(ready(decision)).toMatchObject({ status: 'False', reason: want.reason });
    expect(kinds(decision)).toEqual(want.actions);
  });

  it('says what is missing, where, and costs nothing', () => {
    const decision = decideJob(inQueue('InsufficientCapacity', 300).obj());
    expect(ready(decision)?.message).toBe('Attempt 1 waits on here: no node has a free a100');
    expect(decision.status.conditions?.find(({ type }) => type === 'Running')).toMatchObject({
      status: 'False',
      reason: 'InsufficientCapacity',
    });
    expect(decision.status.attempts?.[0]).toMatchObject({ queued: true, state: 'Creating' });
    expect(decision.status.cost?.spent).toBe('0.00');
  });

  it('waits as long when the reason changes every minute', () => {
    const first = decideJob(inQueue('Unschedulable', 60).obj()).status;
    const job = { ...creating.obj(), status: first };
    const second = decideJob(makeObserved(job).at(120).instance('queued', waits('QuotaExceeded', 119)).obj()).status;
    expect(second.attempts?.[0]?.waiting).toMatchObject({ reason: 'QuotaExceeded', since: time(5) });
  });

  it('is timed anew once a queue let it through', () => {
    const first = decideJob(inQueue('Queued', 60).obj()).status;
    const job = { ...creating.obj(), status: first };
    const next = decideJob(makeObserved(job).at(9_000).instance('queued', waits('Unschedulable', 8_990)).obj());
    expect(kinds(next)).not.toContain('Terminate');
    expect(next.status.attempts?.[0]?.waiting?.since).toBe(time(8_990));
  });

  it('says once what it waits for and then writes nothing', () => {
    const first = decideJob(inQueue('Unschedulable', 60).obj());
    expect(first.events.map(({ reason }) => reason)).toEqual(['Unschedulable']);
    const again = decideJob(
      inQueue('Unschedulable', 75)
        .with({ job: { ...creating.obj(), status: first.status } })
        .obj(),
    );
    expect(again.events).toEqual([]);
    expect(again.status).toEqual({ ...first.status, cost: again.status.cost });
  });

  it('follows the timeout of its provider', () => {
    const observed = inQueue('Unschedulable', 36).with({ providers: [readyProvider({ capacityTimeoutMs: 30_000 })] });
    expect(kinds(decideJob(observed.obj()))).toEqual(['Terminate']);
  });

  it('gets a later deadline now and then, for its money does not run out meanwhile', () => {
    const soon = decideJob(inQueue('Queued', 30).obj());
    const later = decideJob(inQueue('Queued', 900).obj());
    expect(kinds(soon)).toEqual([]);
    expect(later.actions).toEqual([{ type: 'RenewQueued', deadline: expect.stringMatching(/^2026-11-22T11:00/) }]);
    expect(later.status.attempts?.[0]?.deadline).toMatch(/^2026-11-22T11:00/);
  });
});

describe('the attempt after its wait', () => {
  const queuedJob = makeJob().attempt('Creating', { createdAt: time(0), queued: true, instance: '4711' });

  it('is billed from when it began to hold hardware', () => {
    const observed = makeObserved(queuedJob.obj())
      .at(700)
      .instance('starting', { billedFrom: ms(690) });
    expect(decideJob(observed.obj()).status.attempts?.[0]).toMatchObject({
      state: 'Creating',
      queued: false,
      billedFrom: time(690),
    });
  });

  it('never counts as billed before it was written down, whatever the clock of its node says', () => {
    const job = makeJob().attempt('Creating', { createdAt: time(60) });
    const observed = makeObserved(job.obj())
      .at(70)
      .instance('starting', { billedFrom: ms(40) });
    expect(decideJob(observed.obj()).status.attempts?.[0]?.billedFrom).toBe(time(60));
  });

  it('runs once its trainer does', () => {
    const observed = makeObserved(queuedJob.obj())
      .at(700)
      .instance('running', { billedFrom: ms(690), startedAt: ms(695) });
    expect(decideJob(observed.obj()).status).toMatchObject({
      phase: 'Running',
      attempts: [{ state: 'Running', startedAt: time(695) }],
    });
  });

  it('is over, not created again, when somebody deleted it', () => {
    const decision = decideJob(makeObserved(queuedJob.obj()).at(700).obj());
    expect(kinds(decision)).not.toContain('Launch');
    expect(decision.status.attempts?.[0]).toMatchObject({ state: 'Gone', outcome: 'Lost', cost: '0.00' });
  });

  it.each(['evicted', 'preempted', 'nodeLost'] as const)(
    'counts as billed from the beginning where it was %s while nobody looked and no pod is left to tell since when',
    (reason) => {
      const exit = { code: null, signal: null, at: ms(3_600), reason };
      const { attempts, cost } = decideJob(
        makeObserved(queuedJob.obj()).at(3_610).instance('exited', { exit }).obj(),
      ).status;
      expect(attempts?.[0]).toMatchObject({ state: 'Gone', outcome: 'Lost', cost: '6.00' });
      expect(cost?.spent).toBe('6.60');
    },
  );

  it('keeps waiting in mind as the reason it was given up', () => {
    const given = makeJob().attempt('Stopping', {
      createdAt: time(0),
      startedAt: undefined as never,
      queued: true,
      instance: '4711',
      stopReason: 'Capacity',
      message: 'Unschedulable for more than 600 s: no node has a free a100',
    });
    const decision = decideJob(makeObserved(given.obj()).at(612).obj());
    expect(decision.status.attempts?.[0]).toMatchObject({ outcome: 'Lost', cost: '0.00' });
  });
});
