import type { Attempt, ComputeProvider, TrainingGoal, TrainingJob, TrainingPlan, TrainingReceipt } from '@kriptik/crds';
import { receiptSpend, receiptsOfGone } from '../budget/receipts.ts';
import { type MicroUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
import { findCondition, isTrue } from '../runtime/conditions.ts';
import type { GaugeName } from './definitions.ts';
import { dollars, type Labels, Samples } from './samples.ts';

/** What the figures are computed from: copies of the objects as the API server last showed them. */
export interface FleetObjects {
  readonly goals: readonly TrainingGoal[];
  readonly plans: readonly TrainingPlan[];
  readonly jobs: readonly TrainingJob[];
  readonly receipts: readonly TrainingReceipt[];
  readonly providers: readonly ComputeProvider[];
  /** Epoch ms. */
  readonly now: number;
}

/** All gauges of the fleet. Money is in US dollars, times in seconds. */
export function fleetSamples({ goals, plans, jobs, receipts, providers, now }: FleetObjects): Samples {
  const fleet = new Fleet(now);
  for (const goal of goals) fleet.object('kriptik_goals', 'TrainingGoal', goal);
  for (const plan of plans) fleet.plan(plan);
  for (const job of jobs) fleet.job(job);
  for (const receipt of receiptsOfGone(receipts, jobs)) fleet.receipt(receipt);
  for (const provider of providers) fleet.provider(provider);
  return fleet.samples;
}

/** A trainer of one's own tells any code it likes: what goes beyond these many is told as `other`. */
const MOST_CODES = 100;
const OTHER_CODE = 'other';

class Fleet {
  readonly samples = new Samples();
  readonly #codes = new Set<string>();
  readonly #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  object(name: GaugeName, kind: string, { metadata, status }: TrainingGoal | TrainingPlan | TrainingJob): void {
    this.#add(name, { namespace: metadata.namespace, phase: status?.phase ?? 'New' }, 1);
    this.#age('kriptik_deletion_age_seconds', { kind }, metadata.deletionTimestamp);
  }

  plan(plan: TrainingPlan): void {
    this.object('kriptik_plans', 'TrainingPlan', plan);
    const { digest, approval } = plan.status ?? {};
    if (digest === undefined || approval !== undefined) return;
    this.#age('kriptik_plan_waiting_seconds', { namespace: plan.metadata.namespace }, plan.metadata.creationTimestamp);
  }

  job(job: TrainingJob): void {
    this.object('kriptik_jobs', 'TrainingJob', job);
    const { namespace } = job.metadata;
    const { conditions, attempts = [], diagnosis = [], phase } = job.status ?? {};
    this.#money(job);
    const ready = findCondition(conditions, 'Ready');
    if (phase === 'Pending' && ready !== undefined) {
      this.#age('kriptik_job_pending_seconds', { namespace, reason: ready.reason }, ready.lastTransitionTime);
    }
    for (const finding of diagnosis) {
      if (finding.resolvedAt !== undefined) continue;
      this.#add('kriptik_job_findings', { namespace, code: this.#codeOf(finding.code) }, 1);
    }
    const live = attempts.find(({ state }) => state !== 'Gone');
    if (live !== undefined) this.#running(job, live);
  }

  provider({ metadata, spec, status }: ComputeProvider): void {
    if (spec.enabled === false) return;
    const labels = { provider: metadata.name, type: spec.type };
    this.#add('kriptik_provider_ready', labels, isTrue(status?.conditions, 'Ready') ? 1 : 0);
    this.#add('kriptik_provider_instances', labels, status?.instances ?? 0);
  }

  #running({ metadata: { namespace }, status }: TrainingJob, live: Attempt): void {
    const { conditions, cost, progress, checkpoints = [] } = status ?? {};
    const where = { namespace, provider: live.provider };
    this.#add('kriptik_instances', where, 1);
    this.#add('kriptik_spend_rate_usd_per_hour', where, dollars(parseMoney(cost?.ratePerHour ?? '0')));
    for (const [line, condition] of [
      ['alert', 'BudgetAlert'],
      ['warning', 'BudgetWarning'],
    ] as const) {
      this.#add('kriptik_jobs_at_budget_line', { namespace, line }, isTrue(conditions, condition) ? 1 : 0);
    }
    this.#add('kriptik_jobs_forecast_over_budget', { namespace }, cost?.forecastFits === false ? 1 : 0);
    const verified = findCondition(conditions, 'CheckpointVerified');
    const failing = verified?.status === 'False' && verified.reason !== 'NoCheckpoint';
    this.#add('kriptik_jobs_checkpoint_failing', { namespace }, failing ? 1 : 0);
    if (live.state !== 'Running' || live.startedAt === undefined) return;
    const saved = checkpoints.findLast(({ verifiedAt }) => verifiedAt !== undefined)?.createdAt;
    this.#age('kriptik_checkpoint_age_seconds', { namespace }, later(saved, live.startedAt));
    this.#age('kriptik_job_silence_seconds', { namespace }, later(progress?.updatedAt, live.startedAt));
    // Loading comes before the first step, and an export after the last: neither is a step that is late.
    const steps = progress !== undefined && progress.step > live.resumedFromStep && progress.step < progress.totalSteps;
    if (steps) this.#age('kriptik_job_step_age_seconds', { namespace }, later(progress.stepAt, live.startedAt));
  }

  #money({ metadata: { namespace }, status }: TrainingJob): void {
    const cost = status?.cost;
    if (cost === undefined) return;
    this.#spent(namespace, {
      compute: parseMoney(cost.compute),
      storage: parseMoney(cost.storage),
      platform_fee: parseMoney(cost.platformFee),
    });
    // A limit, a raised one too, may be cut below what was spent before: only what was never granted is overspent.
    const granted = (status?.attempts ?? []).map(({ deadlineLimit = '0' }) => parseMoney(deadlineLimit));
    const allowed = maxMoney(parseMoney(cost.limit), parseMoney(cost.approvedLimit), ...granted);
    const over = maxMoney(zeroMoney, subtractMoney(parseMoney(cost.spent), allowed));
    this.#add('kriptik_overspend_usd', { namespace }, dollars(over));
  }

  /** Of a job that was deleted. */
  receipt({ metadata: { namespace }, spec }: TrainingReceipt): void {
    const { compute, storage, platformFee } = receiptSpend(spec);
    this.#spent(namespace, { compute, storage, platform_fee: platformFee });
  }

  #spent(namespace: string, parts: Readonly<Record<string, MicroUsd>>): void {
    for (const [component, amount] of Object.entries(parts)) {
      this.#add('kriptik_spent_usd', { namespace, component }, dollars(amount));
    }
  }

  /** The code as a label, of which there is an end. */
  #codeOf(code: string): string {
    if (!this.#codes.has(code) && this.#codes.size >= MOST_CODES) return OTHER_CODE;
    this.#codes.add(code);
    return code;
  }

  #add(name: GaugeName, labels: Labels, value: number): void {
    this.samples.add(name, labels, value);
  }

  #age(name: GaugeName, labels: Labels, since: string | undefined): void {
    if (since === undefined) return;
    this.samples.atLeast(name, labels, Math.max(0, (this.#now - Date.parse(since)) / 1000));
  }
}

function later(a: string | undefined, b: string): string {
  return a !== undefined && Date.parse(a) > Date.parse(b) ? a : b;
}
