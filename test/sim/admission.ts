import type { Attempt, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { sameJson } from '@kriptik/operator/runtime/json.ts';
import type { Stored } from './api-server.ts';

/** The transition rules of the definitions that protect money; what breaks one is a bug of the operator. */
export function admission(before: Stored, after: Stored, subresource: string): string | undefined {
  if (after.kind === 'TrainingJob') return jobRule(before as TrainingJob, after as TrainingJob, subresource);
  if (after.kind === 'TrainingPlan') return planRule(before as TrainingPlan, after as TrainingPlan);
  return undefined;
}

const WRITTEN_ONCE = ['name', 'provider', 'unitPricePerHour', 'createdAt'] as const;

function jobRule(before: TrainingJob, after: TrainingJob, subresource: string): string | undefined {
  if (subresource !== 'status') {
    return sameJson(before.spec.run, after.spec.run) ? undefined : 'spec.run is immutable';
  }
  const old = before.status?.attempts ?? [];
  const next = after.status?.attempts ?? [];
  if (next.filter((attempt) => attempt.state !== 'Gone').length > 1) return 'at most one attempt may be open';
  if (next.some((attempt) => (attempt.state === 'Gone') !== (attempt.goneAt !== undefined))) {
    return 'goneAt is set exactly when the state is Gone';
  }
  if (next.some((attempt, index) => index > 0 && attempt.number <= (next[index - 1]?.number ?? 0))) {
    return 'attempt numbers must ascend';
  }
  return old.map((attempt) => attemptRule(attempt, next)).find((problem) => problem !== undefined);
}

function attemptRule(old: Attempt, next: readonly Attempt[]): string | undefined {
  const now = next.find((attempt) => attempt.number === old.number);
  if (now === undefined) return next.length >= 50 ? undefined : `attempt ${old.number} may not be dropped`;
  const rewritten = WRITTEN_ONCE.find((field) => now[field] !== old[field]);
  if (rewritten !== undefined) return `attempt ${old.number}: ${rewritten} is written once`;
  return old.state === 'Gone' && now.state !== 'Gone' ? `attempt ${old.number} came back` : undefined;
}

function planRule(before: TrainingPlan, after: TrainingPlan): string | undefined {
  if (!sameJson(before.spec.contract, after.spec.contract)) return 'the contract is immutable';
  const old = before.status?.approval;
  const now = after.status?.approval;
  if (now !== undefined && now.digest !== after.status?.digest) return 'the approval is not for this digest';
  if (old === undefined || after.status?.digest !== old.digest) return undefined;
  return sameJson(old, now) ? undefined : 'a decision is permanent for its digest';
}
