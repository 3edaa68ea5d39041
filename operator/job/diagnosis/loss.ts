import { advice, longerWarmup, lowerLearningRate } from './remedies.ts';
import { type At, losses, mean, noiseOf, percent, rollingMeans, short, windowOf } from './series.ts';
import { THRESHOLDS } from './thresholds.ts';
import type { Detector, Symptoms, Verdict } from './types.ts';

/** Losses of these say how surprising the right token was, in nats; those of pictures and sounds say no such thing. */
const TOKEN_MODALITIES: ReadonlySet<string> = new Set(['llm', 'code', 'multimodal']);
/** Their losses are a likelihood of the rows; those of preferences and rewards are not. */
const TOKEN_METHODS: ReadonlySet<string> = new Set(['qlora', 'lora', 'full']);

function readsTokens({ modality, plan }: Symptoms): boolean {
  return TOKEN_MODALITIES.has(modality) && TOKEN_METHODS.has(plan.method.name);
}

interface Curve {
  readonly points: readonly At[];
  readonly means: readonly At[];
  readonly window: number;
  /** Standard error of one rolling mean. */
  readonly error: number;
}

function curveOf(symptoms: Symptoms): Curve | undefined {
  const points = losses(symptoms.points);
  const window = windowOf(points.length);
  if (points.length < 2 * window) return undefined;
  return { points, means: rollingMeans(points, window), window, error: noiseOf(points) / Math.sqrt(window) };
}

/** The loss went up for good: the last windows lie well above the best one, and stay there. */
function diverging(symptoms: Symptoms): Verdict {
  // What a reward or an image model reports may rise while it learns.
  if (symptoms.plan.method.name === 'rlhf') return 'clear';
  const curve = curveOf(symptoms);
  if (curve === undefined) return undefined;
  const { raise, clear, sigmas, leastRise } = THRESHOLDS.diverging;
  const { means, window, error } = curve;
  const best = means.reduce((low, point) => (point.value < low.value ? point : low));
  const floor = Math.abs(best.value);
  const last = means.slice(-window).map(({ value }) => value);
  const now = mean(last.slice(-1));
  const line = Math.max(best.value + (raise - 1) * floor, best.value + leastRise, best.value + sigmas * error);
  if (now < Math.max(best.value + (clear - 1) * floor, best.value + leastRise / 2)) return 'clear';
  if (best.step >= (curve.points.at(-window)?.step ?? 0) || Math.min(...last) < line) return undefined;
  return {
    code: 'LossDiverging',
    severity: 'Warning',
    message: `The loss rose from ${short(best.value)} to ${short(now)} and stays there: the training undoes what it learned`,
    evidence: [
      `best mean loss ${short(best.value)} at step ${best.step}`,
      `mean loss ${short(now)} at step ${means.at(-1)?.step ?? 0}, over ${window} points`,
      `learning rate ${symptoms.plan.hyperparameters.learningRate}`,
    ],
    soundUntilStep: best.step,
    remedies: [
      lowerLearningRate(symptoms.plan),
      ...longerWarmup(symptoms.plan),
      advice(
        `Go on from a checkpoint of before step ${best.step + 1}, with the rows after it looked at: broken rows do this, too`,
      ),
    ],
  };
}

/** Where the curve is and where its first known points are. */
interface Descent {
  /**
   * Whether those are of the beginning of the training. Of a long run only the newest points are kept, and the job of an
   * amendment has those from its own first step on: their end is flat in a run that went well.
   */
  readonly begun: boolean;
  readonly first: number;
  readonly now: number;
  readonly step: number;
  /** Share of `first` that was gained. */
  readonly fall: number;
}

function descentOf(symptoms: Symptoms, { means, points }: Curve): Descent {
  const begun = share(symptoms, points[0]?.step ?? 0) <= THRESHOLDS.beginning.share;
  const first = means[0]?.value ?? Number.NaN;
  const now = means.at(-1)?.value ?? Number.NaN;
  return { begun, first, now, step: points.at(-1)?.step ?? 0, fall: (first - now) / Math.abs(first) };
}

function share(symptoms: Symptoms, step: number): number {
  const total = symptoms.status?.totalSteps ?? 0;
  return total > 0 ? step / total : 0;
}

/** High from the start and not falling: the rows do not look like the language the model knows. */
function high(symptoms: Symptoms): Verdict {
  if (!readsTokens(symptoms)) return 'clear';
  const curve = curveOf(symptoms);
  if (curve === undefined) return undefined;
  const { raise, clear, leastFall, afterShare, afterSteps, afterWarmups } = THRESHOLDS.high;
  const { begun, first, now, step, fall } = descentOf(symptoms, curve);
  // One that ever was lower is not high from the start: a spike is none of this.
  const best = Math.min(...curve.means.map(({ value }) => value));
  if (best < clear || fall > 2 * leastFall) return 'clear';
  const due = Math.max(afterShare, afterWarmups * Number(symptoms.plan.hyperparameters.warmupRatio));
  if (!begun || best < raise || fall > leastFall || step < afterSteps || share(symptoms, step) < due) return undefined;
  return {
    code: 'LossHigh',
    severity: 'Warning',
    message: `The loss is ${short(now)} after ${step} steps and hardly falls; tuned models begin between 1 and 3`,
    evidence: [
      `mean loss ${short(first)} at the start, ${short(now)} at step ${step}`,
      `learning rate ${symptoms.plan.hyperparameters.learningRate}, warm-up ${symptoms.plan.hyperparameters.warmupRatio} of the steps`,
    ],
    remedies: [
      advice(
        'Look at the rows: wrong language, broken encoding, a template the model does not know, answers in the wrong field',
      ),
      lowerLearningRate(symptoms.plan),
      ...longerWarmup(symptoms.plan),
    ],
  };
}

/** Steps were made and paid for, and nothing was learned that could be told from noise. */
function notImproving(symptoms: Symptoms): Verdict {
  if (!readsTokens(symptoms)) return 'clear';
  const curve = curveOf(symptoms);
  if (curve === undefined) return undefined;
  const { afterShare, afterPoints, leastFall, clearFall, sigmas } = THRESHOLDS.notImproving;
  const { begun, first, now, step, fall } = descentOf(symptoms, curve);
  if (fall > clearFall || evaluationImproved(symptoms)) return 'clear';
  const { raise } = THRESHOLDS.high;
  // Too high from the start is a finding of its own, with other remedies.
  if (!begun || now >= raise || share(symptoms, step) < afterShare || curve.points.length < afterPoints)
    return undefined;
  const real = first - now > sigmas * Math.SQRT2 * curve.error;
  if (fall > leastFall || (real && fall > 0)) return undefined;
  return {
    code: 'NotImproving',
    severity: 'Warning',
    message: `After ${step} steps, ${percent(share(symptoms, step))} of all, the loss is where it began`,
    evidence: [
      `mean loss ${short(first)} at the start, ${short(now)} at step ${step}`,
      `noise of a mean over ${curve.window} points: ${short(curve.error)}`,
      ...evaluationEvidence(symptoms),
    ],
    remedies: [
      advice('Look at how varied the rows are: near copies of each other teach nothing after the first'),
      advice('Add rows', true),
      {
        text: `Double the learning rate of ${symptoms.plan.hyperparameters.learningRate}, if the loss neither falls nor jumps`,
        change: `hyperparameters.learningRate=${Number(symptoms.plan.hyperparameters.learningRate) * 2}`,
        costsMore: false,
      },
    ],
  };
}

function evaluationImproved({ status }: Symptoms): boolean {
  const scores = status?.evaluation;
  const base = scores?.base?.[scores.metric];
  const latest = scores?.latest?.[scores.metric];
  if (scores === undefined || scores === null || typeof base !== 'number' || typeof latest !== 'number') return false;
  const gain = (scores.better === 'lower' ? base - latest : latest - base) / Math.max(Math.abs(base), 1e-9);
  return gain > THRESHOLDS.notImproving.evaluationGain;
}

function evaluationEvidence({ status }: Symptoms): string[] {
  const scores = status?.evaluation;
  const base = scores?.base?.[scores.metric];
  const latest = scores?.latest?.[scores.metric];
  if (typeof base !== 'number' || typeof latest !== 'number') return [];
  return [`${scores?.metric ?? ''} on held-out rows: ${short(base)} of the base model, ${short(latest)} now`];
}

/** Gradients that are no numbers: steps are paid for and thrown away. */
function nonFinite(symptoms: Symptoms): Verdict {
  const { status } = symptoms;
  if (status === undefined) return undefined;
  const { share: most, least } = THRESHOLDS.nonFinite;
  const bad = status.nonFinite;
  if (bad === undefined || bad === null || status.step === 0) return 'clear';
  if (bad.steps < least || bad.steps / status.step < most / 2) return 'clear';
  if (bad.steps / status.step < most) return undefined;
  return {
    code: 'GradientsNotFinite',
    severity: 'Warning',
    message: `In ${bad.steps} of ${status.step} steps the ${bad.what === 'loss' ? 'loss' : 'gradient'} was not a finite number; such steps teach nothing`,
    evidence: [
      `${bad.steps} steps up to step ${bad.lastStep}`,
      `precision ${symptoms.plan.hyperparameters.precision}, learning rate ${symptoms.plan.hyperparameters.learningRate}`,
    ],
    remedies: [
      lowerLearningRate(symptoms.plan),
      ...longerWarmup(symptoms.plan),
      advice('Use a GPU that computes in bf16: fp16 overflows where bf16 does not', true),
    ],
  };
}

export const lossDetectors: readonly Detector[] = [
  { code: 'LossDiverging', detect: diverging },
  { code: 'LossHigh', detect: high },
  { code: 'NotImproving', detect: notImproving },
  { code: 'GradientsNotFinite', detect: nonFinite },
];
