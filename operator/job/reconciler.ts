import type { TrainingJob, TrainingPlan } from '@kriptik/crds';
import { patchStatusIfChanged } from '../runtime/apply.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../runtime/controller.ts';
import { isBeingDeleted } from '../runtime/finalizers.ts';
import { OwnWrites } from '../runtime/ownwrites.ts';
import type { ObjectKey } from '../runtime/types.ts';
import { act } from './act.ts';
import { liveAttempt } from './attempts.ts';
import { decideJob } from './decide.ts';
import type { JobDependencies } from './dependencies.ts';
import { Curves } from './diagnosis/ring.ts';
import { observeJob } from './gather.ts';
import { Looks } from './looks.ts';
import type { JobDecision, JobObserved } from './types.ts';

/** "At once" for the queue: long enough for the cache to see our own write. */
const SOON_MS = 50;

/** A cache that is behind for so long, ms, may have lost the change: a refused write then leads to a new list. */
const BEHIND_MS = 1_000;

/** A plan names its job right after making it; so long, ms, after that nobody is told that it does not yet. */
const NAMED_MS = 3_000;

/** Gathers, decides, writes the status, then acts: whatever is started is on record before it exists. */
export class JobReconciler implements Reconciler {
  readonly #deps: JobDependencies;
  readonly #curves: Curves;
  readonly #looks = new Looks();
  /** A look at a state older than our own last write would decide on the past, and its write be refused. */
  readonly ownWrites: OwnWrites;

  constructor(deps: JobDependencies) {
    this.#deps = deps;
    this.#curves = new Curves(deps.settings.diagnoseMs);
    this.ownWrites = new OwnWrites(deps.jobs, deps.clock, BEHIND_MS);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const job = this.#deps.jobs.get(key);
    if (job === undefined) return {};
    const plan = this.#deps.plans.get({ namespace: key.namespace, name: job.spec.planRef.name });
    if (isBeingNamed(job, plan, this.#deps.clock.now())) return { requeueAfterMs: NAMED_MS };
    const beganAt = this.#deps.clock.now();
    const observed = await observeJob(this.#deps, job, this.#curves, this.#looks);
    const decision = decideJob(observed);
    // Nothing is asked of a job at rest; what was known of its curve need not be kept.
    if (observed.instance === undefined) this.#curves.forget(job.metadata.uid);
    const leaving = decision.actions.some((action) => action.type === 'RemoveFinalizer');
    const written =
      leaving && isBeingDeleted(job)
        ? job
        : this.ownWrites.note(
            await patchStatusIfChanged(this.#deps.client, job, decision.status, { signal: context.signal }),
          );
    forgetRefusals(this.#deps, written);
    for (const { type, reason, message } of decision.events) {
      this.#deps.events.event(job, { type, reason, note: message });
    }
    for (const action of decision.actions) {
      await act(this.#deps, observed, written, action, context.log);
    }
    this.#noteLook(written, decision, isSilent(observed) ? beganAt : this.#deps.clock.now());
    const { requeueAfterMs, urgentAfterMs } = decision;
    return {
      ...(requeueAfterMs !== undefined && { requeueAfterMs: Math.max(SOON_MS, requeueAfterMs) }),
      ...(urgentAfterMs !== undefined && { urgentAfterMs: Math.max(SOON_MS, urgentAfterMs) }),
    };
  }

  /** How late looks come is measured on those that cost money meanwhile. `at` is when this one was over. */
  #noteLook({ metadata, status }: TrainingJob, { requeueAfterMs, urgentAfterMs }: JobDecision, at: number): void {
    const now = this.#deps.clock.now();
    const freezeAt = now + (urgentAfterMs ?? Number.POSITIVE_INFINITY);
    const dueAt = Math.min(freezeAt, now + (requeueAfterMs ?? Number.POSITIVE_INFINITY));
    const runs = liveAttempt(status?.attempts ?? [])?.state === 'Running';
    this.#looks.over(metadata.uid ?? '', at, runs ? { dueAt, freezeAt } : undefined);
  }
}

/** Waiting for a trainer that does not answer holds up nobody else: it says nothing of how busy the operator is. */
function isSilent({ trainer }: JobObserved): boolean {
  return trainer !== undefined && 'unreachable' in trainer;
}

/** Its plan has made it a moment ago and will name it in its status, which leads to the next look. */
function isBeingNamed({ metadata, status }: TrainingJob, plan: TrainingPlan | undefined, now: number): boolean {
  if (status !== undefined || metadata.deletionTimestamp !== undefined) return false;
  const age = now - Date.parse(metadata.creationTimestamp ?? '');
  return plan?.status?.approval?.decision === 'Approved' && plan.status.jobRef === undefined && age < NAMED_MS;
}

/** What is known of an attempt is needed only until it is closed on record. */
function forgetRefusals(deps: JobDependencies, job: TrainingJob): void {
  for (const attempt of job.status?.attempts ?? []) {
    if (attempt.state !== 'Gone') continue;
    deps.launchErrors.delete(attempt.name);
    deps.hardLimits.delete(attempt.name);
  }
}
