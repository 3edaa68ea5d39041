import { type Attempt, finalizers } from '@kriptik/crds';
import { billedRate } from '../budget/ledger.ts';
import { deadlinesFor } from '../budget/limits.ts';
import { formatUsd, parseMoney } from '../money.ts';
import { exponentialMs } from '../runtime/backoff.ts';
import { findCondition } from '../runtime/conditions.ts';
import { attemptName, endedUnused, lossesInARow, lostTooMany } from './attempts.ts';
import { cappedBy, hasRoomToStart, moneyOf } from './cost.ts';
import { failed, lostTooOften } from './failure.ts';
import { askedToStop, event, type Step, stepOf } from './step.ts';
import { nextTurn } from './turns.ts';
import type { JobAction, JobObserved, ProviderView, Situation } from './types.ts';

/** Decides for a job of which nothing runs: rest, wait, or begin the next attempt. */
export function decideIdle(o: JobObserved, attempts: readonly Attempt[]): Step {
  const last = attempts.at(-1);
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
  const turn = nextTurn(o, attempts);
  if ('provider' in turn) return begin(o, attempts, turn.provider, leftover);
  return rest(turn.situation, { requeueAfterMs: turn.waitMs });
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
  if (o.supersededBy !== undefined) {
    return { kind: 'Superseded', message: `Plan ${o.supersededBy} of the same goal was approved instead` };
  }
  if (last?.outcome === 'Failed' && !askedAgain(o)) {
    const found = o.job.status?.diagnosis?.at(-1);
    return failed(o, found?.code ?? 'AttemptFailed', last.message, found?.remedy);
  }
  if (lostTooMany(attempts, o.settings) && !askedAgain(o)) {
    return lostTooOften(o, last);
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
  if (raised && hasRoomToStart(o, money)) return undefined;
  const spent = `${formatUsd(money.spent)} of ${formatUsd(money.limit)} is spent`;
  const capped = cappedBy(o);
  const how =
    capped === undefined
      ? 'raise the budget to resume'
      : `${capped} allows no more for a job: raise ceilings.perJob there to resume`;
  return { kind: 'Frozen', message: `${saved}. ${spent}; ${how}` };
}

function keptWork(o: JobObserved, last: Attempt | undefined): string {
  if (last === undefined) return 'Nothing was trained yet';
  const lost = last.message === undefined ? '' : ` (${last.message})`;
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

/** Writes the identity of the next attempt down; the launch itself comes after that was stored. */
function begin(
  o: JobObserved,
  attempts: readonly Attempt[],
  provider: ProviderView,
  before: readonly JobAction[],
): Step {
  const number = (attempts.at(-1)?.number ?? 0) + 1;
  const money = moneyOf(o, attempts);
  const rate = billedRate(parseMoney(provider.unitPricePerHour));
  const deadlines = deadlinesFor(money.limit, money.spent, rate, o.now, money.timings);
  const resumed = o.store.latest?.step ?? 0;
  const attempt: Attempt = {
    number,
    name: attemptName(o.job.metadata.uid, number),
    provider: provider.name,
    unitPricePerHour: provider.unitPricePerHour,
    createdAt: new Date(o.now).toISOString(),
    state: 'Creating',
    resumedFromStep: resumed,
    ...(deadlines && { deadline: new Date(deadlines.trainer).toISOString() }),
  };
  const how = resumed > 0 ? `resumes from the verified checkpoint of step ${resumed}` : 'starts';
  const message = `Attempt ${number} ${how} on ${provider.name} at $${provider.unitPricePerHour} an hour`;
  return stepOf(
    o,
    [...attempts, attempt],
    { kind: 'Provisioning', message },
    {
      freeze: undefined,
      actions: before,
      events: [event('Normal', resumed > 0 ? 'Resuming' : 'Provisioning', message)],
      requeueAfterMs: 0,
    },
  );
}

function pending(reason: string, message: string): Situation {
  return { kind: 'Pending', reason, message };
}
