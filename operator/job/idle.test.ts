import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { makeObserved, readyProvider } from '../../test/support/observed.ts';
import { parseMoney } from '../money.ts';
import { decideJob } from './decide.ts';

const GONE = { outcome: 'Stopped', stopReason: 'Budget' } as const;
const frozen = makeJob()
  .attempt('Gone', { ...GONE, outcome: 'Frozen', goneAt: time(2_700) })
  .status({
    freeze: { limit: '5.00', requestedAt: time(90), reason: 'Budget', requestId: 'r', deadline: time(100) },
  });

describe('a job of which nothing runs', () => {
  it.each([
    {
      case: 'is registered for clean-up before anything else',
      observed: makeObserved(makeJob().meta({ finalizers: [] }).obj()),
      want: { phase: 'Pending', actions: ['AddFinalizer'], attempts: 0 },
    },
    { case: 'begins', observed: makeObserved(), want: { phase: 'Provisioning', actions: ['Launch'], attempts: 1 } },
    {
      case: 'waits for its approval',
      observed: makeObserved().with({ approval: { approved: false, reason: 'NotApproved', message: 'no' } }),
      want: { phase: 'Pending', actions: [], attempts: 0 },
    },
    {
      case: 'waits for a provider',
      observed: makeObserved().with({ providers: [readyProvider({ ready: false, message: 'down' })] }),
      want: { phase: 'Pending', actions: [], attempts: 0 },
    },
    {
      case: 'waits when the price rose above the approved one',
      observed: makeObserved().with({ providers: [readyProvider({ dearer: '7.00' })] }),
      want: { phase: 'Pending', actions: [], attempts: 0 },
    },
    {
      case: 'stays paused',
      observed: makeObserved(makeJob().replicas(0).obj()),
      want: { phase: 'Paused', actions: [], attempts: 0 },
    },
    {
      case: 'stays suspended',
      observed: makeObserved().goal({ suspended: true }),
      want: { phase: 'Paused', actions: [], attempts: 0 },
    },
    {
      case: 'stays replaced',
      observed: makeObserved().with({ supersededBy: 'faq-2' }),
      want: { phase: 'Superseded', actions: [], attempts: 0 },
    },
    {
      case: 'does not begin when not even a freeze could be paid',
      observed: makeObserved().goal({ limit: '0.01' }),
      want: { phase: 'Frozen', actions: [], attempts: 0 },
    },
    {
      case: 'is frozen where what is left pays for no provider that can reach the work',
      observed: makeObserved().with({
        providers: [
          readyProvider({ name: 'a', outOfReach: 'its work lies elsewhere' }),
          readyProvider({ name: 'b', unitPricePerHour: '90000.00' }),
        ],
      }),
      want: { phase: 'Frozen', actions: [], attempts: 0 },
    },
    {
      case: 'waits for the cheap provider where the other one is too dear',
      observed: makeObserved().with({
        providers: [
          readyProvider({ name: 'a', ready: false, message: 'turned off' }),
          readyProvider({ name: 'b', unitPricePerHour: '90000.00' }),
        ],
      }),
      want: { phase: 'Pending', actions: [], attempts: 0 },
    },
    {
      case: 'stays frozen',
      observed: makeObserved(frozen.obj()).at(9_000).saved(40),
      want: { phase: 'Frozen', actions: [], attempts: 1 },
    },
    {
      case: 'goes on after a raise',
      observed: makeObserved(frozen.obj()).at(9_000).saved(40).goal({ limit: '9.00' }),
      want: { phase: 'Provisioning', actions: ['Launch'], attempts: 2 },
    },
    {
      case: 'stays frozen after a raise above what a policy allows',
      observed: makeObserved(frozen.obj())
        .at(9_000)
        .saved(40)
        .goal({ limit: '9.00' })
        .with({ ceiling: { limit: parseMoney('5.00'), policies: ['all'] } }),
      want: { phase: 'Frozen', actions: [], attempts: 1 },
    },
    {
      case: 'goes on after a raise below what a policy allows',
      observed: makeObserved(frozen.obj())
        .at(9_000)
        .saved(40)
        .goal({ limit: '9.00' })
        .with({ ceiling: { limit: parseMoney('7.00'), policies: ['all'] } }),
      want: { phase: 'Provisioning', actions: ['Launch'], attempts: 2 },
    },
    {
      case: 'is let go when it is deleted',
      observed: makeObserved(frozen.deleted().obj()).at(9_000),
      want: { phase: 'Terminating', actions: ['RemoveFinalizer'], attempts: 1 },
    },
    {
      case: 'waits a while after a loss',
      observed: makeObserved(makeJob().attempt('Gone', { outcome: 'Lost' }).obj()).at(111),
      want: { phase: 'Pending', actions: [], attempts: 1 },
    },
    {
      case: 'tries again after that',
      observed: makeObserved(makeJob().attempt('Gone', { outcome: 'Lost' }).obj()).at(113),
      want: { phase: 'Provisioning', actions: ['Launch'], attempts: 2 },
    },
  ])('$case', ({ observed, want }) => {
    const decision = decideJob(observed.obj());
    expect(decision.status.phase).toBe(want.phase);
    expect(decision.actions.map((action) => action.type)).toEqual(want.actions);
    expect(decision.status.attempts ?? []).toHaveLength(want.attempts);
  });
});

describe('the attempt that begins', () => {
  it('is written down with its price and deadline, and launched as it stands there', () => {
    const { status, actions } = decideJob(makeObserved().obj());
    expect(actions).toEqual([{ type: 'Launch', attempt: status.attempts?.[0] }]);
    expect(status.attempts).toEqual([
      {
        number: 1,
        name: 'kriptik-0e5a1c3e8f3e4d2c-1',
        provider: 'here',
        unitPricePerHour: '6.00',
        createdAt: time(0),
        state: 'Creating',
        resumedFromStep: 0,
        deadline: expect.stringMatching(/^2026-11-22T10:45/),
        deadlineLimit: '5.00',
      },
    ]);
  });

  it('goes to the next provider of the approved order when the last one refused', () => {
    const refused = makeJob().attempt('Gone', { outcome: 'Lost', goneAt: time(60), createdAt: time(60) });
    const { startedAt: _never, ...attempt } = refused.obj().status?.attempts?.[0] ?? {};
    const job = makeJob()
      .status({ attempts: [attempt as never] })
      .obj();
    const cloud = readyProvider({ name: 'cloud', unitPricePerHour: '2.99' });
    const { status } = decideJob(
      makeObserved(job)
        .at(600)
        .with({ providers: [readyProvider(), cloud] })
        .obj(),
    );
    expect(status.attempts?.at(-1)).toMatchObject({ provider: 'cloud', unitPricePerHour: '2.99' });
  });

  it('resumes from the verified checkpoint', () => {
    const { status, events } = decideJob(makeObserved(frozen.obj()).at(9_000).saved(40).goal({ limit: '9.00' }).obj());
    expect(status.attempts?.at(-1)?.resumedFromStep).toBe(40);
    expect(status.freeze).toBeUndefined();
    expect(events.map((event) => event.reason)).toEqual(['Resuming']);
  });
});

describe('a failed job', () => {
  const condition = { type: 'Failed', status: 'True', reason: 'X', message: '', lastTransitionTime: time(0) } as const;
  const failed = makeJob()
    .attempt('Gone', { outcome: 'Failed', message: 'row 3 has no answer' })
    .status({ conditions: [{ ...condition, observedGeneration: 1 }] });

  it('stays failed and says why', () => {
    const { status } = decideJob(makeObserved(failed.obj()).at(900).obj());
    expect(status.conditions?.find((one) => one.type === 'Failed')).toMatchObject({
      status: 'True',
      message: 'row 3 has no answer',
    });
  });

  it('is tried again once its spec was changed', () => {
    const { status } = decideJob(
      makeObserved(failed.meta({ generation: 3 }).obj())
        .at(900)
        .obj(),
    );
    expect(status.phase).toBe('Provisioning');
  });

  it('fails after three losses without a step forward', () => {
    const lost = makeJob().attempt('Gone', { outcome: 'Lost' }).attempt('Gone', { outcome: 'Lost' });
    const job = lost
      .attempt('Gone', { outcome: 'Lost' })
      .status({ conditions: [{ ...condition, observedGeneration: 1 }] });
    expect(decideJob(makeObserved(job.obj()).at(900).obj()).status.phase).toBe('Failed');
  });
});

it('names the policy that holds a raise down, and counts with its ceiling', () => {
  const ceiling = { limit: parseMoney('5.00'), policies: ['frugal'] };
  const observed = makeObserved(frozen.obj()).at(9_000).saved(40).goal({ limit: '9.00' }).with({ ceiling });
  const { status } = decideJob(observed.obj());
  expect(status.cost?.limit).toBe('5.00');
  expect(status.conditions?.find(({ type }) => type === 'Frozen')?.message).toContain('TrainingPolicy frugal allows');
});
