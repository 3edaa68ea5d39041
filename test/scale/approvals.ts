import { waitFor } from '../support/wait.ts';
import type { ScaleWorld } from './scale-world.ts';
import { atRate, type Spread, spreadOf } from './spread.ts';
import type { Timeline } from './timeline.ts';

const PATIENCE = { timeoutMs: 1_800_000, everyMs: 500 };

/** Creates so many goals and waits until each has a priced plan; resolves with how long that took, seconds. */
export async function makePlans(scale: ScaleWorld, count: number, rate: number): Promise<number> {
  const began = Date.now();
  const names = Array.from({ length: count }, (_, n) => `goal-${n}`);
  await atRate(names, rate, (name) => scale.createGoal(name));
  await waitFor(
    'all plans priced',
    async () => {
      const priced = (await scale.plans()).filter(({ status }) => status?.phase === 'AwaitingApproval');
      return priced.length === count || undefined;
    },
    { ...PATIENCE, everyMs: 2_000 },
  );
  return (Date.now() - began) / 1000;
}

export interface Approvals {
  /** From the approval to the pod. */
  readonly created: Spread;
  /** To the container that runs. */
  readonly running: Spread;
  /** To the phase Running of the TrainingJob, for which its trainer has to have answered. */
  readonly told: Spread;
  readonly wallSeconds: number;
}

/** Approves every plan at the rate and waits until all jobs say that they run. */
export async function approveAll(scale: ScaleWorld, line: Timeline, rate: number): Promise<Approvals> {
  const plans = await scale.plans();
  const approved = new Map<string, number>();
  const began = Date.now();
  await atRate(plans, rate, async (plan) => {
    approved.set(plan.metadata.name, Date.now());
    await scale.world.approvePlan(plan);
  });
  await waitFor(
    'all jobs running',
    () => {
      const failed = line.jobs().find(({ status }) => status?.phase === 'Failed');
      if (failed !== undefined) throw new Error(`a job failed: ${JSON.stringify(failed.status)}`);
      return [...line.phases.values()].filter((phases) => phases.has('Running')).length === plans.length || undefined;
    },
    PATIENCE,
  );
  const wallSeconds = (Date.now() - began) / 1000;
  const rows = line.jobs().map((job) => {
    const from = approved.get(job.spec.planRef.name) ?? Number.NaN;
    const [pod] = line.podsOf(job.status?.attempts?.[0]?.name ?? '');
    return {
      created: (pod?.createdAt ?? Number.NaN) - from,
      running: (pod?.runningAt ?? Number.NaN) - from,
      told: (line.phases.get(job.metadata.name)?.get('Running') ?? Number.NaN) - from,
    };
  });
  return {
    created: spreadOf(rows.map(({ created }) => created)),
    running: spreadOf(rows.map(({ running }) => running)),
    told: spreadOf(rows.map(({ told }) => told)),
    wallSeconds,
  };
}
