import { type Attempt, labels, type TrainingJobStatus } from '@kriptik/crds';
import { meterRecord } from '../budget/job-ledger.ts';
import { budgetLevel } from '../budget/limits.ts';
import { zeroMoney } from '../money.ts';
import { sameJson } from '../runtime/json.ts';
import { foldAttempts, liveAttempt } from './attempts.ts';
import { costStatus, type JobMoney, moneyOf } from './cost.ts';
import { whileDeleted } from './deletion.ts';
import { diagnose } from './diagnosis/diagnose.ts';
import { etaBand, markedPace } from './forecast.ts';
import { decideIdle } from './idle.ts';
import { decideLive } from './live.ts';
import { timingsAfter } from './measured.ts';
import { moneyConditions, moneyEvents, restWakeMs } from './money-told.ts';
import { progressOf, settledProgress, withoutUndefined } from './progress.ts';
import { conditionsOf, phaseOf } from './situation.ts';
import type { Step } from './step.ts';
import type { JobDecision, JobEvent, JobObserved } from './types.ts';

/** Checkpoints listed in status, newest last. */
const LISTED_CHECKPOINTS = 20;

/**
 * What to do about a job, from what was observed. Pure: no clock, no I/O. The caller writes the
 * status first and acts afterwards, so that whatever is started is on record before it exists.
 */
export function decideJob(o: JobObserved): JobDecision {
  const attempts = o.job.status?.attempts ?? [];
  const live = liveAttempt(attempts);
  const step = whileDeleted(o, live === undefined ? decideIdle(o, attempts) : decideLive(o, attempts, live));
  const next = statusOf(o, step);
  const status = throttle(o, next.status);
  const told = moneyEvents(o.job.status?.conditions ?? [], status.conditions ?? []);
  const wake = live === undefined ? restWakeMs(o, next.money) : undefined;
  const requeueAfterMs = soonest(step.requeueAfterMs, wake);
  const { actions, urgentAfterMs } = step;
  return { status, actions, events: [...step.events, ...told, ...next.found], requeueAfterMs, urgentAfterMs };
}

function soonest(first: number | undefined, second: number | undefined): number | undefined {
  return first === undefined || second === undefined ? (first ?? second) : Math.min(first, second);
}

function statusOf(
  o: JobObserved,
  step: Step,
): { readonly status: TrainingJobStatus; readonly money: JobMoney; readonly found: readonly JobEvent[] } {
  const before = o.job.status ?? {};
  const money = moneyOf(o, step.attempts);
  const running = liveAttempt(step.attempts) !== undefined;
  const { alertAt, warnAt } = o.goal ?? o.job.spec.run.contract.budget;
  const frozen = !running && step.freeze?.reason === 'Budget';
  const level = frozen
    ? 'Freeze'
    : budgetLevel(money.spent, running ? money.reserve : zeroMoney, money.limit, alertAt, warnAt);
  const checkpoints = o.store.checkpoints.slice(-LISTED_CHECKPOINTS);
  const { diagnosis, events } = diagnose(o, step, money);
  const status = withoutUndefined<TrainingJobStatus>({
    ...before,
    ...foldAttempts(step.attempts, before.attemptsFolded),
    observedGeneration: o.job.metadata.generation ?? 0,
    conditions: conditionsOf(
      before.conditions ?? [],
      {
        situation: step.situation,
        approval: o.approval,
        level,
        alertAt,
        warnAt,
        generation: o.job.metadata.generation ?? 0,
        verifiedStep: o.store.latest?.step,
        storeProblem: o.store.problems.at(-1),
        storeTrouble: o.store.unavailable,
      },
      o.now,
    ),
    phase: phaseOf(step.situation),
    replicas: running ? 1 : 0,
    selector: `${labels.job}=${o.job.metadata.name}`,
    progress:
      o.trainer !== undefined && 'status' in o.trainer
        ? withBand(progressOf(o.trainer.status, before.progress, o.now), money)
        : settledProgress(before.progress, step.attempts.at(-1)?.lastStep),
    cost: costStatus(o, step.attempts, money, running),
    freeze: step.freeze,
    store: storeOf(o, step.attempts),
    checkpoints: checkpoints.length > 0 ? [...checkpoints] : undefined,
    artifacts: artifactsOf(o, step.attempts.at(-1)),
    diagnosis: listed(diagnosis),
    storage: money.meter && meterRecord(money.meter),
    timings: listed(timingsAfter(o, step.attempts)),
    pace: listed(markedPace(o, liveAttempt(step.attempts))),
  });
  const conditions = moneyConditions(o, status.conditions ?? [], step.attempts, money);
  return { status: { ...status, conditions }, money, found: events };
}

type Progress = TrainingJobStatus['progress'];

function withBand(progress: Progress, { forecast }: JobMoney): Progress {
  return progress && { ...progress, ...etaBand(forecast) };
}

function listed<T>(values: readonly T[] | undefined): T[] | undefined {
  return values === undefined || values.length === 0 ? undefined : [...values];
}

/** Written down once an attempt ran, and never changed: what it saved lies there. */
function storeOf(o: JobObserved, attempts: readonly Attempt[]): TrainingJobStatus['store'] {
  const ran = attempts.some(({ startedAt }) => startedAt !== undefined);
  return o.job.status?.store ?? (ran ? o.storePlace : undefined);
}

function artifactsOf(o: JobObserved, last: Attempt | undefined): TrainingJobStatus['artifacts'] {
  if (last?.outcome !== 'Succeeded') return o.job.status?.artifacts;
  const known = new Map((o.job.status?.artifacts ?? []).map((artifact) => [artifact.manifestSha256, artifact]));
  return o.store.artifacts.map(
    (artifact) => known.get(artifact.manifestSha256) ?? { ...artifact, verifiedAt: iso(o.now) },
  );
}

/**
 * Leaves progress and cost as they were when only they moved and the last write is recent: status is
 * a summary, the live figures come from the trainer. Actions make no difference: a repeated one that wrote each time
 * would wake the controller by its own write, over and over.
 */
function throttle(o: JobObserved, next: TrainingJobStatus): TrainingJobStatus {
  const before = o.job.status;
  if (before === undefined || !sameBut(before, next)) return next;
  const written = Date.parse(before.cost?.asOf ?? '') || 0;
  return o.now - written >= o.settings.progressMs ? next : before;
}

/** Whether two statuses differ in nothing but progress, cost and measurements. */
function sameBut(a: TrainingJobStatus, b: TrainingJobStatus): boolean {
  const rest = ({ progress: _p, cost, timings: _t, pace: _q, ...others }: TrainingJobStatus): object => ({
    ...others,
    // What people are told once must be on record at once.
    told: { limit: cost?.limit, forecastFits: cost?.forecastFits },
  });
  return sameJson(rest(a), rest(b));
}

function iso(now: number): string {
  return new Date(now).toISOString();
}
