import { clipped } from './text.ts';

/** Conditions as the Kubernetes API conventions describe them. All functions are pure. */

type ConditionStatus = 'True' | 'False' | 'Unknown';

export interface Condition {
  type: string;
  status: ConditionStatus;
  /** CamelCase word for programs. */
  reason: string;
  /** Sentence for people. */
  message: string;
  /** RFC 3339, to the second: when `status` last changed. */
  lastTransitionTime: string;
  /** `metadata.generation` the condition was computed from. */
  observedGeneration?: number;
}

/** A condition to set; its transition time follows from what was there before. */
export type ConditionInput = Omit<Condition, 'lastTransitionTime'>;

/** Longest message the definitions of our kinds take: the API server refuses a whole status for one that is longer. */
const MAX_MESSAGE = 4_096;

/**
 * The conditions with one of them set. `lastTransitionTime` moves only when the status changes, and an unchanged
 * condition leaves the list as it was (the same array), so that a reconcile at rest has nothing to write.
 */
export function setCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  next: ConditionInput,
  now: Date,
): C[] {
  const list = conditions ?? [];
  const old = findCondition(list, next.type);
  const message = clipped(next.message, MAX_MESSAGE);
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : toSeconds(now);
  const fresh = { ...next, message, lastTransitionTime } as C;
  if (old === undefined) return [...list, fresh];
  if (same(old, fresh)) return list as C[];
  return list.map((condition) => (condition.type === next.type ? fresh : condition));
}

/** The conditions without those of the given types. */
export function removeConditions<C extends Condition>(conditions: readonly C[] | undefined, ...types: string[]): C[] {
  return (conditions ?? []).filter(({ type }) => !types.includes(type));
}

export function findCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

export function isFalse(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'False';
}

/** `2026-01-02T03:04:05Z`: the precision the API server keeps. */
function toSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const same = (a: Condition, b: Condition): boolean =>
  a.status === b.status &&
  a.reason === b.reason &&
  a.message === b.message &&
  a.observedGeneration === b.observedGeneration;
