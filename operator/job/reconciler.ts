import type { TrainingJob } from '@kriptik/crds';
import { patchStatusIfChanged } from '../runtime/apply.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../runtime/controller.ts';
import { isBeingDeleted } from '../runtime/finalizers.ts';
import type { ObjectKey } from '../runtime/types.ts';
import { act } from './act.ts';
import { decideJob } from './decide.ts';
import type { JobDependencies } from './dependencies.ts';
import { Curves } from './diagnosis/ring.ts';
import { observeJob } from './gather.ts';

/** "At once" for the queue: long enough for the cache to see our own write. */
const SOON_MS = 50;

/** Gathers, decides, writes the status, then acts: whatever is started is on record before it exists. */
export class JobReconciler implements Reconciler {
  readonly #deps: JobDependencies;
  readonly #curves: Curves;

  constructor(deps: JobDependencies) {
    this.#deps = deps;
    this.#curves = new Curves(deps.settings.diagnoseMs);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const job = this.#deps.jobs.get(key);
    if (job === undefined) return {};
    const observed = await observeJob(this.#deps, job, this.#curves);
    const decision = decideJob(observed);
    // Nothing is asked of a job at rest; what was known of its curve need not be kept.
    if (observed.instance === undefined) this.#curves.forget(job.metadata.uid);
    const leaving = decision.actions.some((action) => action.type === 'RemoveFinalizer');
    const written =
      leaving && isBeingDeleted(job)
        ? job
        : await patchStatusIfChanged(this.#deps.client, job, decision.status, { signal: context.signal });
    forgetRefusals(this.#deps, written);
    for (const { type, reason, message } of decision.events) {
      this.#deps.events.event(job, { type, reason, note: message });
    }
    for (const action of decision.actions) {
      await act(this.#deps, observed, written, action, context.log);
    }
    return decision.requeueAfterMs === undefined ? {} : { requeueAfterMs: Math.max(SOON_MS, decision.requeueAfterMs) };
  }
}

/** A refusal is needed only until its attempt is closed on record. */
function forgetRefusals(deps: JobDependencies, job: TrainingJob): void {
  for (const attempt of job.status?.attempts ?? []) {
    if (attempt.state === 'Gone') deps.launchErrors.delete(attempt.name);
  }
}
