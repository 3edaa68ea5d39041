import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import { budgetLevel, deadlinesFor, exhaustionTime, percentUsed } from '../budget/limits.ts';
import { addMoney, formatMoney, formatUsd } from '../money.ts';
import { isTrue } from '../runtime/conditions.ts';
import { replaceLast } from './attempts.ts';
import { type JobMoney, moneyOf } from './cost.ts';
import { ended } from './ended.ts';
import { askedToStop, event, type Step, type StopReason, stepOf } from './step.ts';
import type { JobAction, JobEvent, JobObserved, Situation } from './types.ts';

type Freeze = NonNullable<TrainingJobStatus['freeze']>;

/** A new deadline is sent when it moved by more than this: a raise, a cut, a corrected price. */
const DEADLINE_DRIFT_MS = 5_000;

/** Decides for a job with an attempt that may cost money. */
export function decideLive(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  if (o.instance === 'unknown') {
    return stepOf(o, attempts, unseen(o, live), { requeueAfterMs: o.settings.pollMs });
  }
  if (o.instance?.state === 'exited') return ended(o, attempts, live, o.instance);
  switch (live.state) {
    case 'Creating':
      return o.instance === undefined ? create(o, attempts, live) : run(o, attempts, started(o, live));
    case 'Running':
      return o.instance === undefined ? ended(o, attempts, live, undefined) : run(o, attempts, live);
    case 'Stopping':
    case 'Gone':
      return o.instance === undefined ? ended(o, attempts, live, undefined) : stopping(o, attempts, live);
  }
}

/** The identity is on record and nothing runs under it: create it, unless nobody wants it any more. */
function create(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const asked = askedToStop(o) ?? (o.approval.approved ? undefined : 'Superseded');
  if (asked !== undefined) return ended(o, attempts, { ...live, stopReason: asked }, undefined);
  const hindrance = o.launchError ?? outdated(o, attempts, live);
  if (hindrance !== undefined) return refused(o, attempts, live, hindrance);
  return stepOf(o, attempts, situationOf(live), {
    actions: [{ type: 'Launch', attempt: live }],
    requeueAfterMs: o.settings.pollMs,
  });
}

/** Why an attempt must not be created as it was written down: too long ago, or on a checkpoint that broke since. */
function outdated(o: JobObserved, attempts: readonly Attempt[], live: Attempt): string | undefined {
  const { spent, reserve, limit } = moneyOf(o, attempts);
  if (addMoney(spent, reserve) >= limit) return `Attempt ${live.number} could not be created while its money lasted`;
  const saved = o.store.latest?.step ?? 0;
  if (saved >= live.resumedFromStep) return undefined;
  return `The checkpoint of step ${live.resumedFromStep} does not verify any more; the next attempt goes on from step ${saved}`;
}

/** Nothing was created, so nothing is billed: the attempt ends at the moment it began. */
function refused(o: JobObserved, attempts: readonly Attempt[], live: Attempt, message: string): Step {
  const gone: Attempt = {
    ...live,
    state: 'Gone',
    goneAt: live.createdAt,
    outcome: 'Lost',
    lastStep: live.resumedFromStep,
    cost: '0.00',
    message,
  };
  return stepOf(
    o,
    replaceLast(attempts, gone),
    { kind: 'Pending', reason: 'LaunchRefused', message },
    {
      events: [event('Warning', 'LaunchRefused', message)],
      requeueAfterMs: o.settings.waitMs,
    },
  );
}

function started(o: JobObserved, live: Attempt): Attempt {
  if (o.instance === undefined || o.instance === 'unknown') return live;
  const startedAt = new Date(o.instance.startedAt ?? o.now).toISOString();
  return { ...live, state: 'Running', startedAt, instance: o.instance.id };
}

function run(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const current = withEndpoint(o, live);
  const list = replaceLast(attempts, current);
  const money = moneyOf(o, list);
  const asked = askedToStop(o);
  if (asked !== undefined) return stop(o, list, current, money, asked);
  const { alertAt, warnAt } = o.goal ?? o.job.spec.run.contract.budget;
  const level = budgetLevel(money.spent, money.reserve, money.limit, alertAt, warnAt);
  if (level === 'Freeze') return stop(o, list, current, money, 'Budget');
  const hung = hungSince(o, current);
  if (hung !== undefined) return terminate(o, list, current, hung);

  const deadline = movedDeadline(o, money);
  const kept = deadline === undefined ? current : { ...current, deadline };
  const actions: JobAction[] = deadline === undefined ? [] : [{ type: 'SetDeadline', deadline }];
  return stepOf(
    o,
    replaceLast(list, kept),
    { kind: 'Running', message: runningMessage(kept) },
    {
      actions,
      events: budgetEvents(o, level, money),
      requeueAfterMs: nextLook(o, money),
    },
  );
}

/** Looks again at the poll interval, or just when the money for an orderly freeze would run out. */
function nextLook(o: JobObserved, money: JobMoney): number {
  const freezeAt = exhaustionTime(money.limit, money.spent, money.rate, o.now) - reserveMs(money);
  return Math.max(50, Math.min(o.settings.pollMs, freezeAt - o.now));
}

function reserveMs(money: JobMoney): number {
  return money.rate <= 0 ? 0 : (money.reserve / money.rate) * 3_600_000;
}

/** Asks the trainer for a checkpoint and its end, with a deadline after which it is ended all the same. */
function stop(o: JobObserved, attempts: readonly Attempt[], live: Attempt, money: JobMoney, reason: StopReason): Step {
  const stopped: Attempt = { ...live, state: 'Stopping', stopReason: reason };
  const list = replaceLast(attempts, stopped);
  if (reason === 'Deleted') {
    return stepOf(
      o,
      list,
      { kind: 'Terminating', message: 'The job was deleted' },
      {
        actions: [terminateAction(stopped)],
        requeueAfterMs: 500,
      },
    );
  }
  const freeze = freezeFor(o, stopped, money, reason);
  const why = reason === 'Budget' ? budgetMessage(money) : `${reason}: saving a checkpoint`;
  return stepOf(o, list, situationOf(stopped, why), {
    freeze,
    actions: [{ type: 'RequestCheckpoint', id: freeze.requestId, reason: `${reason}: ${why}` }],
    events: [event(reason === 'Budget' ? 'Warning' : 'Normal', reason === 'Budget' ? 'Freezing' : 'Pausing', why)],
    requeueAfterMs: 500,
  });
}

function freezeFor(o: JobObserved, live: Attempt, money: JobMoney, reason: StopReason): Freeze {
  const byBudget = exhaustionTime(money.limit, money.spent, money.rate, o.now) - money.timings.teardownMs / 2;
  const patient = o.now + Math.max(o.settings.pauseMs, money.timings.checkpointMs * 3);
  return {
    limit: formatMoney(money.limit),
    requestedAt: new Date(o.now).toISOString(),
    reason: reason === 'Budget' || reason === 'Paused' ? reason : 'Suspended',
    requestId: `${live.name}-${reason.toLowerCase()}`,
    deadline: new Date(Math.max(o.now, reason === 'Budget' ? byBudget : Math.min(byBudget, patient))).toISOString(),
  };
}

/** A stop is under way: ask again while there is time (asking is idempotent), then end it. */
function stopping(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const freeze = o.job.status?.freeze;
  const deleted = askedToStop(o) === 'Deleted';
  if (deleted || freeze === undefined || o.now >= Date.parse(freeze.deadline)) {
    return stepOf(o, attempts, situationOf(live), { actions: [terminateAction(live)], requeueAfterMs: 500 });
  }
  const known = o.trainer !== undefined && 'status' in o.trainer && o.trainer.status.request?.id === freeze.requestId;
  const reason = `${live.stopReason ?? freeze.reason}: saving a checkpoint`;
  return stepOf(o, attempts, situationOf(live), {
    actions: known ? [] : [{ type: 'RequestCheckpoint', id: freeze.requestId, reason }],
    requeueAfterMs: Math.max(50, Math.min(500, Date.parse(freeze.deadline) - o.now)),
  });
}

/** An instance that should answer and does not: its money would be wasted, so it is ended and replaced. */
function terminate(o: JobObserved, attempts: readonly Attempt[], live: Attempt, found: string): Step {
  // Said once: the seconds in it move on while the instance takes its time to end.
  const message = live.message ?? found;
  return stepOf(
    o,
    replaceLast(attempts, { ...live, message }),
    { kind: 'Running', message },
    {
      actions: [terminateAction(live)],
      events: live.message === undefined ? [event('Warning', 'TrainerUnreachable', message)] : [],
      requeueAfterMs: 500,
    },
  );
}

function hungSince(o: JobObserved, live: Attempt): string | undefined {
  if (o.trainer === undefined || 'status' in o.trainer) return undefined;
  const answered = o.job.status?.progress?.updatedAt;
  const heard = answered === undefined ? undefined : Date.parse(answered);
  const began = Date.parse(live.startedAt ?? live.createdAt);
  const silentMs = o.now - Math.max(began, heard ?? 0);
  const allowed = heard === undefined || heard < began ? o.settings.startupMs : o.settings.unreachableMs;
  if (silentMs < allowed) return undefined;
  return `The trainer has not answered for ${Math.round(silentMs / 1000)} s (${o.trainer.unreachable}); it is replaced`;
}

/**
 * What the trainer says it will keep is compared, not what was once written down: the operator may have died, or the
 * trainer been out of reach, between the two.
 */
function movedDeadline(o: JobObserved, money: JobMoney): string | undefined {
  const next = deadlinesFor(money.limit, money.spent, money.rate, o.now, money.timings)?.trainer;
  if (next === undefined || o.trainer === undefined || !('status' in o.trainer)) return undefined;
  const { deadline } = o.trainer.status;
  const held = deadline === null ? Number.NaN : Date.parse(deadline);
  return Math.abs(next - held) <= DEADLINE_DRIFT_MS ? undefined : new Date(next).toISOString();
}

function budgetEvents(o: JobObserved, level: string, money: JobMoney): JobEvent[] {
  const conditions = o.job.status?.conditions ?? [];
  const text = `${percentUsed(money.spent, money.limit)} % of the budget is spent: ${budgetMessage(money)}`;
  const events: JobEvent[] = [];
  if (level !== 'Ok' && !isTrue(conditions, 'BudgetAlert')) events.push(event('Normal', 'AlertReached', text));
  if (level === 'Warning' && !isTrue(conditions, 'BudgetWarning'))
    events.push(event('Warning', 'WarningReached', text));
  if (money.forecast?.fits === false && o.job.status?.cost?.forecastFits !== false) {
    const needed = formatUsd(money.forecast.atCompletion);
    events.push(
      event('Warning', 'BudgetTooSmall', `Finishing would cost ${needed}: ${money.forecast.options.join('; ')}`),
    );
  }
  return events;
}

function budgetMessage(money: JobMoney): string {
  return `${formatUsd(money.spent)} of ${formatUsd(money.limit)}, ${formatUsd(money.reserve)} kept back to save the work`;
}

function withEndpoint(o: JobObserved, live: Attempt): Attempt {
  if (o.instance === undefined || o.instance === 'unknown' || o.instance.endpoint === undefined) return live;
  return { ...live, endpoint: o.instance.endpoint };
}

function terminateAction(attempt: Attempt): JobAction {
  return { type: 'Terminate', name: attempt.name, provider: attempt.provider };
}

function runningMessage(attempt: Attempt): string {
  return `Attempt ${attempt.number} runs on ${attempt.provider}`;
}

/** Nobody can tell whether the attempt runs: it is held to run, and people are told what brings it back into view. */
function unseen(o: JobObserved, live: Attempt): Situation {
  const situation = situationOf(live);
  if (o.providers.find(({ name }) => name === live.provider)?.reason !== 'ProviderMissing') return situation;
  const until = live.deadline === undefined ? '' : ` It saves its work and ends by itself at ${live.deadline}.`;
  const message = `ComputeProvider ${live.provider} was deleted while attempt ${live.number} may run there.${until} Create it again with the same spec, so that its end can be verified`;
  return { ...situation, message };
}

/** Where an attempt in its present state puts the job. */
function situationOf(live: Attempt, why = ''): Situation {
  if (live.state === 'Creating')
    return { kind: 'Provisioning', message: `Attempt ${live.number} is being created on ${live.provider}` };
  if (live.state === 'Running') return { kind: 'Running', message: runningMessage(live) };
  if (live.stopReason === 'Deleted') return { kind: 'Terminating', message: 'The job was deleted' };
  const kind = live.stopReason === 'Budget' ? 'Freezing' : 'Pausing';
  return { kind, message: why || `Saving a checkpoint (${live.stopReason ?? 'stop'})` };
}
