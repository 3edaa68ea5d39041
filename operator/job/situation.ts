import type { Condition, TrainingJobStatus } from '@kriptik/crds';
import type { BudgetLevel } from '../budget/limits.ts';
import type { ApprovalView } from '../plan/approval.ts';
import { setCondition } from '../runtime/conditions.ts';
import type { Situation, StoreTrouble } from './types.ts';

/** Condition types of a job. Reasons of conditions and events are the same words. */
export const jobConditions = [
  'Approved',
  'Running',
  'CheckpointVerified',
  'BudgetAlert',
  'BudgetWarning',
  'Frozen',
  'Paused',
  'Succeeded',
  'Failed',
  'Terminated',
  'Ready',
] as const;

type JobCondition = (typeof jobConditions)[number];

export interface ConditionInput {
  readonly situation: Situation;
  readonly approval: ApprovalView;
  readonly level: BudgetLevel;
  /** Percent of the limit at which people are told, and warned. */
  readonly alertAt: number;
  readonly warnAt: number;
  readonly generation: number;
  /** Step of the newest verified checkpoint. */
  readonly verifiedStep?: number | undefined;
  readonly storeProblem?: string | undefined;
  /** Why the store cannot be read now. */
  readonly storeTrouble?: StoreTrouble | undefined;
}

interface Verdict {
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

/** All conditions of a job, derived from where it stands. Unchanged ones keep their transition time. */
export function conditionsOf(previous: readonly Condition[], input: ConditionInput, now: number): Condition[] {
  const verdicts = verdictsOf(input);
  let conditions: readonly Condition[] = previous;
  for (const type of jobConditions) {
    const verdict = verdicts[type];
    conditions = setCondition(
      conditions,
      {
        type,
        status: verdict.status ? 'True' : 'False',
        reason: conditionReason(verdict.reason),
        message: verdict.message,
        observedGeneration: input.generation,
      },
      new Date(now),
    );
  }
  return [...conditions];
}

function verdictsOf(input: ConditionInput): Record<JobCondition, Verdict> {
  const { situation, approval, level } = input;
  const is = (kind: Situation['kind'], otherwise: string): Verdict => ({
    status: situation.kind === kind,
    reason: situation.kind === kind ? ('reason' in situation ? situation.reason : kind) : otherwise,
    message: situation.kind === kind ? situation.message : '',
  });
  return {
    Approved: approval.approved
      ? { status: true, reason: 'DigestApproved', message: 'The plan was approved with exactly this digest' }
      : { status: false, reason: approval.reason, message: approval.message },
    Running: is('Running', notRunning(situation)),
    CheckpointVerified: checkpointVerdict(input),
    BudgetAlert: budgetVerdict(level !== 'Ok', 'Alert', input.alertAt),
    BudgetWarning: budgetVerdict(level === 'Warning' || level === 'Freeze', 'Warning', input.warnAt),
    Frozen: is('Frozen', 'NotFrozen'),
    Paused: is('Paused', 'NotPaused'),
    Succeeded: is('Succeeded', 'NotFinished'),
    Failed: is('Failed', 'NotFailed'),
    Terminated: is('Terminated', 'NotTerminated'),
    Ready: {
      status: situation.kind === 'Running' || situation.kind === 'Succeeded',
      reason: 'reason' in situation ? situation.reason : situation.kind,
      message: situation.message,
    },
  };
}

/** What a job that does not run waits for, in the words of its Ready condition. */
function notRunning(situation: Situation): string {
  if (situation.kind === 'Pending') return situation.reason;
  return situation.kind === 'Provisioning' ? (situation.reason ?? situation.kind) : 'NotRunning';
}

/** Says the line, not the percentage of the moment: the message must not change with every cent. */
function budgetVerdict(reached: boolean, name: 'Alert' | 'Warning', line: number): Verdict {
  return reached
    ? {
        status: true,
        reason: `${name}Reached`,
        message: `The ${line} % line of the budget, or its reserve, is reached`,
      }
    : { status: false, reason: `Below${name}`, message: `Spending is below ${line} % of the budget` };
}

function checkpointVerdict(input: ConditionInput): Verdict {
  if (input.storeTrouble !== undefined) {
    const { reason, message, remedy } = input.storeTrouble;
    const known =
      input.verifiedStep === undefined
        ? 'No checkpoint was verified before'
        : `The checkpoint of step ${input.verifiedStep} was verified before`;
    return { status: false, reason, message: `${message}. ${known}. ${remedy}`.trim() };
  }
  if (input.storeProblem !== undefined) {
    return { status: false, reason: 'VerificationFailed', message: input.storeProblem };
  }
  if (input.verifiedStep === undefined) {
    return { status: false, reason: 'NoCheckpoint', message: 'Nothing was saved yet' };
  }
  return {
    status: true,
    reason: 'HashesMatch',
    message: `The checkpoint of step ${input.verifiedStep} was read back and its hashes match`,
  };
}

/** Reasons are CamelCase words; codes from elsewhere ("data.missing-field") are made into one. */
export function conditionReason(code: string): string {
  const word = code
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
  return /^[A-Za-z]/.test(word) ? word.slice(0, 64) : `Code${word}`.slice(0, 64);
}

/** The one word people see; never read by code. */
export function phaseOf(situation: Situation): NonNullable<TrainingJobStatus['phase']> {
  return situation.kind;
}
