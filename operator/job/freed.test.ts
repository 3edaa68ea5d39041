import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { makeObserved } from '../../test/support/observed.ts';
import { decideJob } from './decide.ts';

/** At $6.60 an hour, fee included: 10 minutes are $1.10. */
const running = makeJob().attempt('Running', { createdAt: time(0), startedAt: time(5), instance: '4711' });

/** Ten minutes in the trainer froze itself; an hour later the operator sees its cluster again. */
const unseen = () =>
  makeObserved(running.obj())
    .at(3_600)
    .saved(40)
    .result('frozen', { finishedAt: time(600) });

describe('an end that nobody could see when it came', () => {
  it('is billed until the trainer wrote that it ended, and the time its pod takes, where that frees the hardware', () => {
    const { status } = decideJob(unseen().with({ freesOnExit: true }).silent().obj());
    expect(Number(status.cost?.spent)).toBeCloseTo(1.1 + (4 / 3600) * 6.6, 4);
    const at = Date.parse(time(3_610));
    const exit = { code: null, signal: null, at, reason: 'terminated' as const };
    const gone = decideJob(unseen().with({ freesOnExit: true }).instance('exited', { exit }).obj());
    expect(gone.status.attempts?.at(-1)).toMatchObject({ state: 'Gone', outcome: 'Frozen', goneAt: time(604) });
    expect(gone.status.cost?.spent).toBe(status.cost?.spent);
  });

  it('is billed until it was verified where the bill runs on until then', () => {
    const { status } = decideJob(unseen().silent().obj());
    expect(Number(status.cost?.spent)).toBeCloseTo(6.6, 4);
  });

  it('is billed until the last of several nodes is free, of which only the first one writes down its end', () => {
    const job = running.obj();
    const { run } = job.spec;
    const compute = { ...run.resolved.compute, gpuCount: 2, nodes: 2 };
    const spec = { ...job.spec, run: { ...run, resolved: { ...run.resolved, compute } } };
    const exit = { code: 31, signal: null, at: Date.parse(time(660)), reason: 'exited' as const };
    const ended = makeObserved({ ...job, spec })
      .at(662)
      .saved(40)
      .result('frozen', { finishedAt: time(600) })
      .with({ freesOnExit: true })
      .instance('exited', { exit });
    expect(decideJob(ended.obj()).status.attempts?.at(-1)).toMatchObject({ goneAt: time(660) });
  });

  it('is billed until now where another attempt wrote it', () => {
    const other = unseen().result('frozen', { finishedAt: time(600), attempt: 'kriptik-0e5a1c3e-0' });
    const { status } = decideJob(other.with({ freesOnExit: true }).silent().obj());
    expect(Number(status.cost?.spent)).toBeGreaterThan(6.5);
  });
});
