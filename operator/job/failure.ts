import type { Attempt } from '@kriptik/crds';
import { lossesInARow } from './attempts.ts';
import type { JobObserved, Situation } from './types.ts';

/** Failed, with what to do about it where that is known, and how to go on afterwards. */
export function failed(
  o: JobObserved,
  reason: string,
  message: string | undefined,
  remedy: string | undefined,
): Situation {
  const what = message ?? 'The attempt failed';
  if (remedy === undefined || remedy === '') return { kind: 'Failed', reason, message: what };
  const cure = `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`;
  return { kind: 'Failed', reason, message: `${sentence(what)} ${sentence(cure)} ${again(o)}` };
}

/** What a trainer means that freezes itself at once. */
const NO_TIME =
  'the trainer saw no time for a step and its checkpoint before its deadline; a higher budget gives it more';

/** Given up after too many attempts without a result. */
export function lostTooOften(o: JobObserved, attempts: readonly Attempt[]): Situation {
  const last = attempts.at(-1);
  const { failed: vain, taken } = lossesInARow(attempts);
  const how = taken >= o.settings.maxInterrupted ? ', because their machines were taken' : '';
  const what = `${vain + taken} attempts in a row ended without a result${how}: ${last?.message ?? (last?.outcome === 'Frozen' ? NO_TIME : 'none was given')}`;
  return {
    kind: 'Failed',
    reason: 'LostRepeatedly',
    message: `${sentence(what)} Read the log: kriptik logs ${o.job.spec.goalRef.name}. ${again(o)}`,
  };
}

function again(o: JobObserved): string {
  const from = o.store.latest === undefined ? '' : ` from the verified checkpoint of step ${o.store.latest.step}`;
  return `Then go on${from}: kriptik resume ${o.job.spec.goalRef.name}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
