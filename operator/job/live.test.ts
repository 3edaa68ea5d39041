import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { makeObserved } from '../../test/support/observed.ts';
import { decideJob } from './decide.ts';

const running = makeJob().attempt('Running', { createdAt: time(0), startedAt: time(5), deadline: time(2_719) });
const held = { deadline: new Date(START + 2_723_272).toISOString() };
const freeze = {
  limit: '5.00',
  requestedAt: time(60),
  reason: 'Paused',
  requestId: 'ask-1',
  deadline: time(180),
} as const;
const stopping = makeJob()
  .replicas(0)
  .attempt('Stopping', { createdAt: time(0), stopReason: 'Paused' })
  .status({ freeze });
const paused = makeJob()
  .replicas(0)
  .attempt('Running', { createdAt: time(0) });

describe('a job with an open attempt', () => {
  it.each([
    {
      case: 'launches what is on record and verified absent',
      observed: makeObserved(makeJob().attempt('Creating').obj()).at(61),
      want: { phase: 'Provisioning', actions: ['Launch'] },
    },
    {
      case: 'does nothing while nobody can tell what runs',
      observed: makeObserved(makeJob().attempt('Creating').obj()).at(61).with({ instance: 'unknown' }),
      want: { phase: 'Provisioning', actions: [] },
    },
    {
      case: 'does not launch when it was paused meanwhile',
      observed: makeObserved(makeJob().replicas(0).attempt('Creating').obj()).at(61),
      want: { phase: 'Pausing', actions: [] },
    },
    {
      case: 'does not launch when the approval is gone',
      observed: makeObserved(makeJob().attempt('Creating').obj())
        .at(61)
        .with({ approval: { approved: false, reason: 'PlanMissing', message: '' } }),
      want: { phase: 'Provisioning', actions: [] },
    },
    {
      case: 'closes it without an approval only when nobody can be creating it any more',
      observed: makeObserved(makeJob().attempt('Creating').obj())
        .at(121)
        .with({ approval: { approved: false, reason: 'PlanMissing', message: '' } }),
      want: { phase: 'Pausing', actions: [] },
    },
    {
      case: 'gives up an attempt the provider refused',
      observed: makeObserved(makeJob().attempt('Creating').obj())
        .at(61)
        .with({ launchError: { message: 'full', final: false } }),
      want: { phase: 'Pending', actions: [] },
    },
    {
      case: 'gives up an attempt that was written down too long ago to be paid',
      observed: makeObserved(makeJob().attempt('Creating').obj()).at(9_000),
      want: { phase: 'Pending', actions: [] },
    },
    {
      case: 'gives up an attempt whose checkpoint broke before it was created',
      observed: makeObserved(makeJob().attempt('Creating', { resumedFromStep: 40 }).obj())
        .at(61)
        .saved(20),
      want: { phase: 'Pending', actions: [] },
    },
    {
      case: 'notes that it runs',
      observed: makeObserved(makeJob().attempt('Creating').obj()).at(61).instance('running'),
      want: { phase: 'Running', actions: [] },
    },
    {
      case: 'trains',
      observed: makeObserved(running.obj()).at(60).trains(held),
      want: { phase: 'Running', actions: [] },
    },
    {
      case: 'tells a raised deadline',
      observed: makeObserved(running.obj()).at(60).goal({ limit: '9.00' }).trains(held),
      want: { phase: 'Running', actions: ['SetDeadline'] },
    },
    {
      case: 'tells a deadline again that is on record but not with the trainer',
      observed: makeObserved(running.obj())
        .at(60)
        .trains({ deadline: time(600) }),
      want: { phase: 'Running', actions: ['SetDeadline'] },
    },
    {
      case: 'freezes before the money is gone',
      observed: makeObserved(running.obj()).at(2_717).trains(held),
      want: { phase: 'Freezing', actions: ['RequestCheckpoint'] },
    },
    {
      case: 'freezes when the budget is cut',
      observed: makeObserved(running.obj()).at(900).goal({ limit: '1.00' }).trains(held),
      want: { phase: 'Freezing', actions: ['RequestCheckpoint'] },
    },
    {
      case: 'pauses with a checkpoint',
      observed: makeObserved(paused.obj()).at(60).trains(held),
      want: { phase: 'Pausing', actions: ['RequestCheckpoint'] },
    },
    {
      case: 'suspends with a checkpoint',
      observed: makeObserved(running.obj()).at(60).goal({ suspended: true }).trains(held),
      want: { phase: 'Pausing', actions: ['RequestCheckpoint'] },
    },
    {
      case: 'makes way for a newer plan with a checkpoint',
      observed: makeObserved(running.obj()).at(60).with({ supersededBy: 'faq-2' }).trains(held),
      want: { phase: 'Pausing', actions: ['RequestCheckpoint'] },
    },
    {
      case: 'ends at once when it is deleted',
      observed: makeObserved(makeJob().attempt('Running').deleted().obj()).at(90).trains(held),
      want: { phase: 'Terminating', actions: ['Terminate'] },
    },
    {
      case: 'is patient with a trainer that loads',
      observed: makeObserved(running.obj()).at(500).silent(),
      want: { phase: 'Running', actions: [] },
    },
    {
      case: 'ends one that never answered',
      observed: makeObserved(running.obj()).at(606).silent(),
      want: { phase: 'Running', actions: ['Terminate'] },
    },
    {
      case: 'asks again while a stop is under way',
      observed: makeObserved(stopping.obj()).at(90).trains(held),
      want: { phase: 'Pausing', actions: ['RequestCheckpoint'] },
    },
    {
      case: 'waits for a checkpoint that is being written',
      observed: makeObserved(stopping.obj())
        .at(90)
        .trains({ request: { id: 'ask-1', state: 'writing' } }),
      want: { phase: 'Pausing', actions: [] },
    },
    {
      case: 'ends it when the time to save is over',
      observed: makeObserved(stopping.obj()).at(180).trains(held),
      want: { phase: 'Pausing', actions: ['Terminate'] },
    },
    {
      case: 'ends it when it is deleted while it saves',
      observed: makeObserved(stopping.deleted().obj()).at(90).trains(held),
      want: { phase: 'Pausing', actions: ['Terminate'] },
    },
  ])('$case', ({ observed, want }) => {
    const decision = decideJob(observed.obj());
    expect(decision.status.phase).toBe(want.phase);
    expect(decision.actions.map((action) => action.type)).toEqual(want.actions);
  });
});

describe('while it trains', () => {
  it('looks again just when an orderly freeze must begin', () => {
    const { requeueAfterMs, urgentAfterMs } = decideJob(makeObserved(running.obj()).at(2_715).trains(held).obj());
    expect(urgentAfterMs).toBeLessThan(2_000);
    expect(requeueAfterMs).toBe(2_000);
  });

  it('says nothing of a wait for hardware in the moment after it was made', () => {
    const job = makeJob().attempt('Creating').obj();
    const attemptAt = (seconds: number) =>
      decideJob(makeObserved(job).at(seconds).instance('queued').obj()).status.attempts?.[0];
    expect(attemptAt(61)?.instance).toBeUndefined();
    expect(attemptAt(63)?.instance).toBeDefined();
  });

  it('writes nothing when only the figures moved within the interval', () => {
    const first = decideJob(makeObserved(running.obj()).at(60).trains(held).obj()).status;
    const job = { ...running.obj(), status: first };
    const { status } = decideJob(
      makeObserved(job)
        .at(62)
        .trains({ ...held, step: 41 })
        .obj(),
    );
    expect(status).toBe(first);
  });

  it('says once that the budget is nearly spent', () => {
    const near = makeObserved(running.obj()).at(2_300).trains(held);
    const first = decideJob(near.obj());
    expect(first.events.map((event) => event.reason)).toContain('AlertReached');
    const again = decideJob(
      near
        .with({ job: { ...running.obj(), status: first.status } })
        .at(2_301)
        .obj(),
    );
    expect(again.events).toEqual([]);
  });

  it('reports a hung trainer once and lets its words stand', () => {
    const first = decideJob(makeObserved(running.obj()).at(700).silent().obj());
    const job = { ...running.obj(), status: first.status };
    const again = decideJob(makeObserved(job).at(701).silent().obj());
    expect(first.events).toHaveLength(1);
    expect(again.events).toEqual([]);
    expect(again.status.attempts).toEqual(first.status.attempts);
  });

  it('a budget freeze must be over before the money is', () => {
    const { status } = decideJob(makeObserved(running.obj()).at(2_717).trains(held).obj());
    expect(Date.parse(status.freeze?.deadline ?? '')).toBeLessThan(START + 2_727_272);
    expect(status.freeze).toMatchObject({ reason: 'Budget', limit: '5.00' });
  });
});
