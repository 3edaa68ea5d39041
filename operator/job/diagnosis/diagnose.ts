import type { Attempt } from '@kriptik/crds';
import { formatMoney } from '../../money.ts';
import type { JobMoney } from '../cost.ts';
import type { Diagnosis } from '../outcome.ts';
import type { JobEvent, JobObserved, Situation } from '../types.ts';
import { detect } from './detect.ts';
import { mergeFindings } from './merge.ts';
import { checkpointGradients, lowerLearningRate, oneOf, quantize, shorterRows, smallerBatch } from './remedies.ts';
import type { Finding, Recorded, Symptoms, Verdict } from './types.ts';

/** Code under which a trainer says that its loss is no number any more. */
const RUINED = 'lossNotFinite';

/** What a look at a job leaves on record, and what people are told of it. */
export interface Diagnosed {
  readonly diagnosis: readonly Recorded[];
  readonly events: readonly JobEvent[];
}

/** Codes under which trainers and providers say that memory ran out. */
export const OUT_OF_MEMORY: ReadonlySet<string> = new Set(['outOfMemory', 'OutOfMemory']);

/** The findings after this look: what detectors see, and what ended an attempt in it. */
export function diagnose(
  o: JobObserved,
  step: {
    readonly situation: Situation;
    readonly attempts: readonly Attempt[];
    readonly diagnosis: readonly Diagnosis[];
  },
  money: JobMoney,
): Diagnosed {
  const before = o.job.status?.diagnosis ?? [];
  const last = step.attempts.at(-1);
  const symptoms = symptomsOf(o, step.situation, last, money);
  const verdicts = new Map<string, Verdict>(o.curve?.fresh === false ? [] : detect(symptoms));
  // A run that got past where it began has overcome what ended the one before.
  if (symptoms.advanced || step.situation.kind === 'Succeeded') {
    for (const { code, severity } of before)
      if (severity === 'Error' && !verdicts.has(code)) verdicts.set(code, 'clear');
  }
  const faults = step.diagnosis.map((fault) => faultFinding(o, fault, last));
  const ended = new Set(faults.map(({ code }) => code));
  for (const fault of faults) verdicts.set(fault.code, fault);
  const rest = ended.size === 0 ? before : before.filter(({ code }) => !ended.has(code));
  const diagnosis = mergeFindings({ before: rest, verdicts, attempt: last?.number, now: o.now });
  return { diagnosis, events: eventsOf(before, diagnosis, ended) };
}

/** What ended the last attempt for good, if anything did. */
export function lastFault(diagnosis: readonly Recorded[] | undefined): Recorded | undefined {
  return diagnosis?.findLast(({ severity, resolvedAt }) => severity === 'Error' && resolvedAt === undefined);
}

function symptomsOf(o: JobObserved, situation: Situation, last: Attempt | undefined, money: JobMoney): Symptoms {
  const { contract, resolved } = o.job.spec.run;
  const status = o.trainer !== undefined && 'status' in o.trainer ? o.trainer.status : undefined;
  const { forecast } = money;
  return {
    now: o.now,
    points: o.curve?.points ?? [],
    status,
    plan: resolved,
    modality: contract.modality,
    situation,
    budget: {
      spent: formatMoney(money.spent),
      limit: formatMoney(money.limit),
      ...(forecast === undefined ? {} : { forecast: formatMoney(forecast.cost.expected), fits: forecast.fits }),
      options: forecast?.options ?? [],
    },
    advanced: status !== undefined && last !== undefined && last.state !== 'Gone' && status.step > last.resumedFromStep,
  };
}

/** A fault as a finding. What the plan itself could do about it comes first. */
function faultFinding(
  o: JobObserved,
  { code, message, remedy, evidence: read = [] }: Diagnosis,
  last: Attempt | undefined,
): Finding {
  const plan = o.job.spec.run.resolved;
  const own = { text: remedy === '' ? 'Read the log: kriptik logs' : remedy, costsMore: false };
  const ended =
    last === undefined ? [] : [`attempt ${last.number} on ${last.provider} ended at step ${last.lastStep ?? 0}`];
  const remedies = OUT_OF_MEMORY.has(code)
    ? oneOf(own, checkpointGradients(plan), smallerBatch(plan), quantize(plan), shorterRows(plan))
    : code === RUINED
      ? ([lowerLearningRate(plan), own] as const)
      : ([own] as const);
  return { code, severity: 'Error', message, evidence: [...ended, ...read], remedies, ...soundness(o, code) };
}

/**
 * A loss that is no number was computed with weights of the step before: those may be ruined, and what was saved at that
 * step with them. The trainer tells the step it ended at, or the one before.
 */
function soundness({ store, job }: JobObserved, code: string): Pick<Finding, 'soundUntilStep'> {
  if (code !== RUINED) return {};
  const ended = store.result?.step ?? job.status?.progress?.step ?? 0;
  return { soundUntilStep: Math.max(0, ended - 2) };
}

/**
 * Each finding is told once, when it is found. What ended an attempt is told with that end, and what a job waits for
 * when it begins to wait.
 */
function eventsOf(before: readonly Recorded[], after: readonly Recorded[], ended: ReadonlySet<string>): JobEvent[] {
  const held = new Set(before.filter(({ resolvedAt }) => resolvedAt === undefined).map(({ code }) => code));
  return after
    .filter(
      ({ code, resolvedAt }) => resolvedAt === undefined && !held.has(code) && !ended.has(code) && code !== 'WontStart',
    )
    .map(({ code, message, remedy }) => ({
      type: 'Warning',
      reason: code,
      message: `${message}. ${remedy}`.slice(0, 1024),
    }));
}
