import type { TrainingJob } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, makePolicy, START, time } from '../../test/support/builders.ts';
import { makeObserved, type ObservedBuilder } from '../../test/support/observed.ts';
import { silentLogger } from '../runtime/log.ts';
import { act } from './act.ts';
import { decideJob } from './decide.ts';
import type { JobDependencies } from './dependencies.ts';
import type { JobObserved } from './types.ts';

const settled = makeJob().attempt('Running', {
  createdAt: time(0),
  startedAt: time(40),
  instance: '4711',
  deadline: time(2_723),
  deadlineLimit: '5.00',
});
const sibling = makeJob().meta({ name: 'other', uid: 'uid-other' }).attempt('Running', { instance: '4712' }).obj();
/** Room for what both were begun with, and for no raise. */
const month = makePolicy({ ceilings: { perNamespacePerMonth: '11.00' } }).obj();

/** An operator's looks at one job, each deciding on what the one before wrote down. `told`: who was spoken to, in order. */
function looks(begun: TrainingJob = settled.obj(), policies = [makePolicy().obj()]) {
  const told: string[] = [];
  const state = { job: begun, fails: false, now: 60, seconds: 0 };
  const provider = async () => {
    told.push('provider');
    if (state.fails) throw new Error('no API');
  };
  const backend = { setHardDeadline: provider, renewQueued: provider, token: async () => 'secret' };
  const deps = {
    providers: { get: () => undefined },
    policies: { list: () => policies },
    namespaces: { get: () => undefined },
    client: { list: async () => ({ items: [state.job, sibling] }) },
    receiptClient: { list: async () => ({ items: [] }) },
    registry: { lastKnown: () => ({ backend }) },
    trainerClient: () => ({
      setDeadlineIn: async (seconds: number) => {
        told.push('trainer');
        state.seconds = seconds;
      },
    }),
    clock: { now: () => Date.parse(time(state.now)) },
    hardLimits: new Map(),
  } as unknown as JobDependencies;
  const look = async (of: (job: TrainingJob) => ObservedBuilder): Promise<string[]> => {
    told.length = 0;
    const name = state.job.status?.attempts?.at(-1)?.name ?? '';
    const o: JobObserved = { ...of(state.job).obj(), hardLimit: deps.hardLimits.get(name) };
    const { actions, status } = decideJob(o);
    state.job = { ...state.job, status };
    for (const action of actions) {
      await act(deps, o, state.job, action, silentLogger()).catch((error: unknown) => told.push(String(error)));
    }
    return [...told];
  };
  return { look, state };
}

/** A trainer that keeps a deadline of so many seconds after the start. */
const keeps = (second: number, limit: string, deadline: number) => (job: TrainingJob) =>
  makeObserved(job)
    .at(second)
    .goal({ limit })
    .trains({ deadlineSeconds: deadline - second })
    .instance('running', { endpoint: 'http://trainer' });

describe('an end of the money that moves', () => {
  it('to later is granted by the provider before the trainer is promised it', async () => {
    expect(await looks().look(keeps(60, '9.00', 2_723))).toEqual(['provider', 'trainer']);
    const gone = looks();
    gone.state.fails = true;
    expect(await gone.look(keeps(60, '9.00', 2_723))).toEqual(['provider', 'Error: no API']);
  });

  it('to later is granted by nobody while the month has no room for the raise, however often it is looked at', async () => {
    const { look } = looks(settled.obj(), [month]);
    for (const second of [60, 62, 64]) expect(await look(keeps(second, '9.00', 2_723))).toEqual([]);
  });

  it('to sooner is told to the trainer though the API of its provider is gone', async () => {
    expect(await looks().look(keeps(60, '3.00', 2_723))).toEqual(['trainer', 'provider']);
    const gone = looks();
    gone.state.fails = true;
    expect(await gone.look(keeps(60, '3.00', 2_723))).toEqual(['trainer', 'provider', 'Error: no API']);
  });

  it('is as far off as it is when it is told, however long the write before took', async () => {
    const { look, state } = looks();
    state.now = 67;
    await look(keeps(60, '3.00', 2_723));
    expect(60 + 7 + state.seconds).toBeCloseTo(
      (Date.parse(state.job.status?.attempts?.at(-1)?.deadline ?? '') - START) / 1000,
    );
  });

  it('to sooner is asked of the provider until it has taken it, though the trainer keeps it already', async () => {
    const { look, state } = looks();
    state.fails = true;
    await look(keeps(60, '3.00', 2_723));
    expect(await look(keeps(62, '3.00', 1_632))).toContain('provider');
    state.fails = false;
    expect(await look(keeps(64, '3.00', 1_632))).toContain('provider');
    expect(state.job.status?.attempts?.at(-1)?.deadlineLimit).toBe('5.00');
    expect(await look(keeps(66, '3.00', 1_632))).toEqual([]);
    expect(state.job.status?.attempts?.at(-1)?.deadlineLimit).toBe('3.00');
  });

  it('to sooner is asked of the provider again by an operator whose predecessor died before that', async () => {
    const before = looks();
    await before.look(keeps(60, '3.00', 2_723));
    const { look } = looks(before.state.job);
    expect(await look(keeps(62, '3.00', 1_632))).toContain('provider');
    expect(await look(keeps(64, '3.00', 1_632))).toEqual([]);
  });

  it('to sooner is asked of the provider once while its trainer does not answer yet', async () => {
    const starting = makeJob().attempt('Creating', {
      createdAt: time(0),
      deadline: time(2_723),
      deadlineLimit: '5.00',
    });
    const { look } = looks(starting.obj());
    const starts = (second: number, limit: string) => (job: TrainingJob) =>
      makeObserved(job).at(second).goal({ limit }).instance('starting');
    expect(await look(starts(30, '5.00'))).toEqual([]);
    expect(await look(starts(60, '3.00'))).toEqual(['provider']);
    expect(await look(starts(62, '3.00'))).toEqual([]);
    // Raised again before the trainer could be told of the cut: what it keeps is right, the provider's line is not.
    expect(await look(keeps(64, '5.00', 2_723))).toContain('provider');
  });
});

describe('the end of the money of an attempt that waits', () => {
  const waiting = makeJob().attempt('Creating', { createdAt: time(0), deadline: time(2_723), deadlineLimit: '5.00' });
  const waits = (second: number, limit: string) => (job: TrainingJob) =>
    makeObserved(job)
      .at(second)
      .goal({ limit })
      .instance('queued', { waiting: { reason: 'Queued', message: '', since: Date.parse(time(0)) } });

  it('is not moved by a raise before it holds hardware', async () => {
    const { look, state } = looks(waiting.obj());
    expect(await look(waits(30, '9.00'))).toEqual([]);
    expect(state.job.status?.attempts?.at(-1)).toMatchObject({ deadline: time(2_723), deadlineLimit: '5.00' });
  });

  it('is moved by a cut, and asked for until the provider has taken it', async () => {
    const { look, state } = looks(waiting.obj());
    state.fails = true;
    expect(await look(waits(30, '3.00'))).toEqual(['provider', 'Error: no API']);
    state.fails = false;
    expect(await look(waits(31, '3.00'))).toEqual(['provider']);
    expect(await look(waits(32, '3.00'))).toEqual([]);
    expect(state.job.status?.attempts?.at(-1)?.deadlineLimit).toBe('3.00');
  });
});
