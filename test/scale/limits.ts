import type { TrainingJob } from '@kriptik/crds';
import { waitFor } from '../support/wait.ts';
import { RATE, type ScaleWorld } from './scale-world.ts';
import { atRate, type Spread, spreadOf } from './spread.ts';
import type { PodLife, Timeline } from './timeline.ts';

const PER_MS = RATE / 3_600_000;

export interface Spending {
  /** Jobs that cost more than their limit. */
  readonly over: number;
  /** Least and most that was left of a limit, USD. */
  readonly least: number;
  readonly most: number;
}

/** What the freezes of all jobs at once were like. A job's line is where its limit less what it keeps back is spent. */
export interface Freezes {
  /** What jobs kept back, as seconds of their price. */
  readonly reserve: Spread;
  /** From the line to the end of the container. */
  readonly ended: Spread;
  /** From the line to the pod's absence. */
  readonly gone: Spread;
  /** From the line to the TrainingJob that says Frozen. */
  readonly told: Spread;
  /** By who ended the trainer: the operator asked (11), its own deadline (10), neither. */
  readonly endedBy: Readonly<Record<string, number>>;
  /** What jobs cost against their limits, fee included, from the binding of a pod to a node to the end of its container. */
  readonly toEnd: Spending;
  /** The same to the absence of the pod's object: later, for one that has ended holds no hardware any more. */
  readonly toAbsence: Spending;
  /** Jobs whose newest checkpoint is verified. */
  readonly verified: number;
}

/**
 * Gives each job the limit at whose line, by what it keeps back until then, it arrives in so many ms, all at the same
 * moment; waits for the end. That so many lines are near makes jobs keep back more, so freezes begin a little before.
 */
export async function crossLimits(
  scale: ScaleWorld,
  line: Timeline,
  { aheadMs, rate }: { readonly aheadMs: number; readonly rate: number },
): Promise<Freezes> {
  const crossing = Date.now() + aheadMs;
  const jobs = line.jobs();
  const limits = new Map<string, number>();
  await atRate(jobs, rate, async (job) => {
    const limit = limitFor(job, crossing);
    limits.set(job.metadata.name, limit);
    await scale.world.setBudget(job.spec.goalRef.name, limit.toFixed(6));
  });
  if (Date.now() > crossing - 20_000) console.error('the limits were set so late that some were crossed before');
  await waitFor(
    'all jobs frozen',
    () => (line.jobs().every(({ status }) => status?.phase === 'Frozen') ? true : undefined),
    { timeoutMs: 1_800_000, everyMs: 500 },
  );
  const rows = line.jobs().map((job) => rowOf(job, line, limits.get(job.metadata.name) ?? 0));
  const since = (at: (row: (typeof rows)[number]) => number): Spread => spreadOf(rows.map((row) => at(row) - row.line));
  const spending = (left: readonly number[]): Spending => ({
    over: left.filter((money) => !(money >= 0)).length,
    least: Math.min(...left),
    most: Math.max(...left),
  });
  return {
    reserve: spreadOf(rows.map(({ reserveMs }) => reserveMs)),
    ended: since((row) => row.endedAt),
    gone: since((row) => row.goneAt),
    told: since((row) => row.frozenAt),
    endedBy: Object.fromEntries(
      Map.groupBy(rows, ({ exit }) => exit)
        .entries()
        .map(([exit, of]) => [exit, of.length]),
    ),
    toEnd: spending(rows.map((row) => row.limit - row.toEnd)),
    toAbsence: spending(rows.map((row) => row.limit - row.toAbsence)),
    verified: rows.filter(({ verified }) => verified).length,
  };
}

/** The limit that a job has reached, but for what it keeps back to save its work, at `crossing`. */
function limitFor({ metadata, status }: TrainingJob, crossing: number): number {
  const attempt = status?.attempts?.at(-1);
  const from = Date.parse(attempt?.billedFrom ?? attempt?.createdAt ?? '');
  const reserve = Number(status?.cost?.reserve);
  if (!Number.isFinite(from) || !Number.isFinite(reserve)) throw new Error(`${metadata.name} does not run`);
  return (crossing - from) * PER_MS + reserve;
}

function rowOf(job: TrainingJob, line: Timeline, limit: number) {
  const pods = (job.status?.attempts ?? []).flatMap(({ name }) => line.podsOf(name));
  const last = (at: (pod: PodLife) => number | undefined): number =>
    Math.max(...pods.map((pod) => at(pod) ?? Number.NaN));
  const costTo = (at: (pod: PodLife) => number | undefined): number =>
    pods.reduce((sum, pod) => sum + ((at(pod) ?? Number.NaN) - (pod.scheduledAt ?? Number.NaN)) * PER_MS, 0);
  const from = Math.min(...pods.map(({ scheduledAt }) => scheduledAt ?? Number.NaN));
  const reserveMs = (line.reserves.get(job.metadata.name) ?? Number.NaN) / PER_MS;
  return {
    limit,
    reserveMs,
    line: from + limit / PER_MS - reserveMs,
    toEnd: costTo(({ endedAt, goneAt }) => endedAt ?? goneAt),
    toAbsence: costTo(({ goneAt }) => goneAt),
    endedAt: last(({ endedAt, goneAt }) => endedAt ?? goneAt),
    goneAt: last(({ goneAt }) => goneAt),
    frozenAt: line.phases.get(job.metadata.name)?.get('Frozen') ?? Number.NaN,
    exit: String(pods.at(-1)?.exitCode ?? 'none'),
    verified: job.status?.checkpoints?.at(-1)?.verifiedAt !== undefined,
  };
}
