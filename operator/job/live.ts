import type { Attempt } from '@kriptik/crds';
import { budgetLevel, exhaustionTime } from '../budget/limits.ts';
import { replaceLast } from './attempts.ts';
import { type JobMoney, moneyOf } from './cost.ts';
import { create } from './create.ts';
import { ended } from './ended.ts';
import { budgetEvents, movedDeadline, stop, stopping } from './freeze.ts';
import { hungSince, terminate } from './hung.ts';
import { runningMessage, situationOf } from './live-situation.ts';
import { askedToStop, type Step, stepOf } from './step.ts';
import type { JobAction, JobObserved, Situation } from './types.ts';

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

function withEndpoint(o: JobObserved, live: Attempt): Attempt {
  if (o.instance === undefined || o.instance === 'unknown' || o.instance.endpoint === undefined) return live;
  return { ...live, endpoint: o.instance.endpoint };
}

/** Nobody can tell whether the attempt runs: it is held to run, and people are told what brings it back into view. */
function unseen(o: JobObserved, live: Attempt): Situation {
  const situation = situationOf(live);
  if (o.providers.find(({ name }) => name === live.provider)?.reason !== 'ProviderMissing') return situation;
  const until = live.deadline === undefined ? '' : ` It saves its work and ends by itself at ${live.deadline}.`;
  const message = `ComputeProvider ${live.provider} was deleted while attempt ${live.number} may run there.${until} Create it again with the same spec, so that its end can be verified`;
  return { ...situation, message };
}
