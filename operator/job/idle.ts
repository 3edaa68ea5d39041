import { type Attempt, finalizers } from '@kriptik/crds';
import { billedRate } from '../budget/ledger.ts';
import { deadlinesFor } from '../budget/limits.ts';
import { addMoney, formatMoney, formatUsd, parseMoney } from '../money.ts';
import { findCondition } from '../runtime/conditions.ts';
import { exponentialMs } from '../runtime/exponential.ts';
import { nextAdjustments } from './adjust.ts';
import { attemptName, endedUnused, lossesInARow, lostTooMany } from './attempts.ts';
import { cappedBy, freezeTimings, moneyOf } from './cost.ts';
import { lastFault } from './diagnosis/diagnose.ts';
import { judged } from './ended.ts';
import { failed, lostTooOften } from './failure.ts';
import { situationOf } from './live-situation.ts';
import { noRoomInMonth } from './month-room.ts';
import { hasRoomSomewhere } from './room.ts';
import { askedToStop, event, type Step, stepOf } from './step.ts';
import { storageRate } from './stored.ts';
import { nextTurn } from './turns.ts';
import type { JobAction, JobObserved, ProviderView, Situation, StoreTrouble } from './types.ts';
import { cannotJudge, READING_MS, unjudged } from './unjudged.ts';

/** Decides for a job of which nothing runs: rest, wait, or begin the next attempt. */
export function decideIdle(o: JobObserved, attempts: readonly Attempt[]): Step {
  const last = attempts.at(-1);
  const open = last === undefined ? undefined : unsettled(o, attempts, last);
  if (open !== undefined) return open;
  const leftover = releaseLeftover(o, last);
  const rest = (situation: Situation, changes: Partial<Step> = {}): Step =>
    stepOf(o, attempts, situation, { ...changes, actions: [...leftover, ...(changes.actions ?? [])] });

  if (askedToStop(o) === 'Deleted') {
    return rest({ kind: 'Terminating', message: 'Nothing runs any more' }, { actions: [{ type: 'RemoveFinalizer' }] });
  }
  if (o.job.metadata.finalizers?.includes(finalizers.instances) !== true) {
    return rest(pending('Starting', 'Registering for clean-up'), {
      actions: [{ type: 'AddFinalizer' }],
      requeueAfterMs: 0,
    });
  }
  const settled = settledSituation(o, attempts);
  if (settled !== undefined) return rest(settled);
  if (!o.approval.approved) return rest(pending(o.approval.reason, o.approval.message));

  const stopped = stoppedSituation(o, attempts);
  if (stopped !== undefined) return rest(stopped);
  const wait = retryWait(o, attempts);
  if (wait > 0) {
    return rest(pending('Retrying', `Attempt ${last?.number ?? 0} was lost; the next one starts shortly`), {
      requeueAfterMs: wait,
    });
  }
  if (o.store.pending !== undefined) {
    const message = `The checkpoint of step ${o.store.pending.step} is being read back`;
    return rest(pending('Verifying', message), { requeueAfterMs: READING_MS });
  }
  if (o.store.unavailable !== undefined)
    return rest(storeAway(o.store.unavailable), { requeueAfterMs: o.settings.waitMs });
  const full = noRoomInMonth(o);
  if (full !== undefined) return rest(full, { requeueAfterMs: o.settings.waitMs });
  const turn = nextTurn(o, attempts);
  if ('provider' in turn) return begin(o, attempts, turn.provider, leftover);
  return rest(turn.situation, { requeueAfterMs: turn.waitMs });
}

/** An attempt whose outcome is not known yet, because its store could not be read when it ended. */
function unsettled(o: JobObserved, attempts: readonly Attempt[], last: Attempt): Step | undefined {
  if (last.outcome !== undefined || askedToStop(o) === 'Deleted') return undefined;
  // How it ended is on its instance's record: without an answer nothing is concluded.
  if (o.instance === 'unknown') return unjudged(o, attempts, last);
  return cannotJudge(o, last) ? unjudged(o, attempts, last) : judged(o, attempts, last, o.instance);
}

/** An exited instance of an ended attempt leaves its records behind until they were read. */
function releaseLeftover(o: JobObserved, last: Attempt | undefined): JobAction[] {
  if (last === undefined || o.instance === undefined || o.instance === 'unknown') return [];
  return [{ type: 'Release', name: last.name, provider: last.provider }];
}

/** Ends that stay: success, failure until a person asks again, replacement by a newer plan. */
function settledSituation(o: JobObserved, attempts: readonly Attempt[]): Situation | undefined {
  const last = attempts.at(-1);
  if (last?.outcome === 'Succeeded')
    return { kind: 'Succeeded', message: 'The model was trained and verified on its store' };
  if (o.job.spec.terminate === true) {
    return {
      kind: 'Terminated',
      message: `${keptWork(o, last)}. The job was ended for good; nothing more is spent on it`,
    };
  }
  if (o.supersededBy !== undefined) {
    return { kind: 'Superseded', message: `Plan ${o.supersededBy} of the same goal was approved instead` };
  }
  if (last?.outcome === 'Failed' && !askedAgain(o)) {
    const found = lastFault(o.job.status?.diagnosis);
    return failed(o, found?.code ?? 'AttemptFailed', last.message, found?.remedy);
  }
  if (lostTooMany(attempts, o.settings) && !askedAgain(o)) {
    return lostTooOften(o, attempts);
  }
  return undefined;
}

/**
 * A failed job is tried again when its spec changed since: pause it and resume it. The attempt's end and
 * the Failed condition are written together, so a failed attempt without the condition was asked again.
 */
function askedAgain(o: JobObserved): boolean {
  const failed = findCondition(o.job.status?.conditions ?? [], 'Failed');
  if (failed?.status !== 'True') return true;
  return (failed.observedGeneration ?? 0) < (o.job.metadata.generation ?? 0) && o.job.spec.replicas === 1;
}

/** Paused by people, or frozen by the budget; undefined when the job should run. */
function stoppedSituation(o: JobObserved, attempts: readonly Attempt[]): Situation | undefined {
  const asked = askedToStop(o);
  const saved = keptWork(o, attempts.at(-1));
  if (asked === 'Paused' || asked === 'Suspended') {
    const how = asked === 'Paused' ? 'Set replicas to 1 to resume' : 'Unset spec.suspend of the goal to resume';
    return { kind: 'Paused', message: `${saved}. ${how}` };
  }
  const money = moneyOf(o, attempts);
  const freeze = o.job.status?.freeze;
  const frozenAt = freeze?.reason === 'Budget' ? parseMoney(freeze.limit) : undefined;
  const raised = frozenAt === undefined || money.limit > frozenAt;
  if (raised && hasRoomSomewhere(o, attempts)) return undefined;
  const spent = `${formatUsd(money.spent)} of ${formatUsd(money.limit)} is spent`;
  const capped = cappedBy(o);
  const how =
    capped === undefined
      ? 'raise the budget to resume'
      : `${capped} allows no more for a job: raise ceilings.perJob there to resume`;
  return { kind: 'Frozen', message: `${saved}. ${spent}; ${how}` };
}

function keptWork(o: JobObserved, last: Attempt | undefined): string {
  if (last === undefined && o.store.latest === undefined) return 'Nothing was trained yet';
  const lost = last?.message === undefined ? '' : ` (${last.message})`;
  if (o.store.latest === undefined) return `No checkpoint could be saved; training starts over${lost}`;
  return `The checkpoint of step ${o.store.latest.step} is saved and verified${lost}`;
}

/** After an attempt that ran and came to nothing: doubles from loss to loss. */
function retryWait(o: JobObserved, attempts: readonly Attempt[]): number {
  const last = attempts.at(-1);
  if (last?.outcome !== 'Lost' || last.goneAt === undefined || endedUnused(last)) return 0;
  const { failed, taken } = lossesInARow(attempts);
  const wait = exponentialMs(Math.max(1, failed + taken), o.settings.retryMs, o.settings.maxWaitMs);
  return Math.max(0, Date.parse(last.goneAt) + wait - o.now);
}

/** What a new attempt would go on from cannot be read: it would start over, or overwrite. */
function storeAway({ reason, message, remedy }: StoreTrouble): Situation {
  return pending(reason, `The store that holds the job's work cannot be read: ${message}. ${remedy}`.trim());
}

/** Writes the identity of the next attempt down; the launch itself comes after that was stored. */
function begin(
  o: JobObserved,
  attempts: readonly Attempt[],
  provider: ProviderView,
  before: readonly JobAction[],
): Step {
  const number = (attempts.at(-1)?.number ?? 0) + 1;
  const money = moneyOf(o, attempts);
  const rate = billedRate(addMoney(parseMoney(provider.unitPricePerHour), storageRate(o)));
  const deadlines = deadlinesFor(money.runLimit, money.spent, rate, o.now, freezeTimings(o, provider.name));
  const resumed = o.store.latest?.step ?? 0;
  const adjustments = nextAdjustments(o, attempts.at(-1));
  const attempt: Attempt = {
    number,
    name: attemptName(o.job.metadata.uid, number),
    provider: provider.name,
    unitPricePerHour: provider.unitPricePerHour,
    createdAt: new Date(o.now).toISOString(),
    state: 'Creating',
    resumedFromStep: resumed,
    ...(adjustments && { adjustments }),
    ...(deadlines && {
      deadline: new Date(deadlines.trainer).toISOString(),
      deadlineLimit: formatMoney(money.runLimit),
    }),
  };
  const how = resumed > 0 ? `resumes from the verified checkpoint of step ${resumed}` : 'starts';
  const message = `Attempt ${number} ${how} on ${provider.name} at $${provider.unitPricePerHour} an hour${adjustments === undefined ? '' : `, with ${adjustments.join(', ')}`}`;
  return stepOf(o, [...attempts, attempt], situationOf(attempt), {
    freeze: undefined,
    // Written down first, as every status is before what follows from it.
    actions: [...before, { type: 'Launch', attempt }],
    events: [event('Normal', resumed > 0 ? 'Resuming' : 'Provisioning', message)],
    requeueAfterMs: o.settings.pollMs,
  });
}

function pending(reason: string, message: string): Situation {
  return { kind: 'Pending', reason, message };
}
