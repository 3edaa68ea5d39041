import { describe, expect, it } from 'vitest';
import { makeJob, makeProvider, START } from '../../test/support/builders.ts';
import type { Instance, ProbeResult } from '../backends/backend.ts';
import { decideProvider, orphans } from './decide.ts';

const ready: ProbeResult = { ready: true, capacity: { instances: 1, free: 1 }, gpus: [] };
const broken: ProbeResult = { ready: false, reason: 'NoTrainer', message: 'no trainer', remedy: 'Install it.' };
const look = (provider = makeProvider(), probe: ProbeResult | undefined = ready, now = START) =>
  decideProvider({ now, provider: provider.obj(), probe, gpus: [], instances: 0 });

describe('a provider', () => {
  it.each([
    { case: 'that works', status: look(), want: { status: 'True', reason: 'Ready' } },
    {
      case: 'that does not',
      status: look(makeProvider(), broken),
      want: { status: 'False', reason: 'NoTrainer', message: 'no trainer. Install it.' },
    },
    { case: 'turned off', status: look(makeProvider().spec({ enabled: false })), want: { reason: 'Disabled' } },
    {
      case: 'of a type without a backend',
      status: decideProvider({
        now: START,
        provider: makeProvider().spec({ type: 'modal' }).obj(),
        probe: undefined,
        gpus: [],
        instances: 0,
      }),
      want: { status: 'False', reason: 'Unsupported' },
    },
  ])('$case says so', ({ status, want }) => {
    expect(status.conditions?.[0]).toMatchObject(want);
  });

  it('writes nothing when a later probe says the same', () => {
    const first = look();
    const provider = { ...makeProvider().obj(), status: first };
    expect(decideProvider({ now: START + 60_000, provider, probe: ready, gpus: [], instances: 0 })).toEqual(first);
  });

  it('moves the probe time with the answer', () => {
    const provider = { ...makeProvider().obj(), status: look() };
    const status = decideProvider({ now: START + 60_000, provider, probe: broken, gpus: [], instances: 0 });
    expect(status.lastProbeTime).toBe(new Date(START + 60_000).toISOString());
  });
});

describe('an instance', () => {
  const instance = (name: string, ageMs: number): Instance => ({
    name,
    id: '1',
    job: { namespace: 'team', name: 'faq', uid: 'x' },
    state: 'running',
    startedAt: START - ageMs,
  });
  const open = makeJob().attempt('Running').obj();
  const closed = makeJob().attempt('Gone', { outcome: 'Stopped' }).obj();
  const name = 'kriptik-0e5a1c3e-1';

  it.each([
    { case: 'of an open attempt is left alone', jobs: [open], of: instance(name, 600_000), want: [] },
    { case: 'of a closed attempt is an orphan', jobs: [closed], of: instance(name, 600_000), want: [name] },
    { case: 'of a job that is gone is an orphan', jobs: [], of: instance(name, 600_000), want: [name] },
    { case: 'that just started is left alone', jobs: [], of: instance(name, 30_000), want: [] },
  ])('$case', ({ jobs, of, want }) => {
    expect(orphans([of], jobs, START).map((one) => one.name)).toEqual(want);
  });
});
