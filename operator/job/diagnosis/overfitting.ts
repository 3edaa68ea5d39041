import { advice, fewerEpochs } from './remedies.ts';
import { type At, losses, mean, short } from './series.ts';
import { THRESHOLDS } from './thresholds.ts';
import type { Detector, Symptoms, Verdict } from './types.ts';

/** Figures on held-out rows get worse while the loss on the rows that are trained falls: they are learned by heart. */
function overfitting(symptoms: Symptoms): Verdict {
  const looks = looksOf(symptoms);
  const { looks: patience, raise, clear, trainFall } = THRESHOLDS.overfitting;
  if (looks.length < patience + 1) return undefined;
  const scores = symptoms.status?.evaluation;
  const best = looks.reduce((low, look) => (look.value < low.value ? look : low));
  const last = looks.slice(-patience);
  const scale = Math.max(Math.abs(best.value), 1e-9);
  const now = last.at(-1)?.value ?? best.value;
  if ((now - best.value) / scale < clear) return 'clear';
  if (last.some(({ step, value }) => step <= best.step || (value - best.value) / scale < raise)) return undefined;
  const fall = fallSince(symptoms, best.step);
  if (fall === undefined || fall < trainFall) return undefined;
  const sign = scores?.better === 'higher' ? -1 : 1;
  return {
    code: 'Overfitting',
    severity: 'Warning',
    message: `It learns its rows by heart: on held-out rows it was best at step ${best.step} and gets worse since`,
    evidence: [
      `${scores?.metric ?? 'loss'} on held-out rows: ${short(sign * best.value)} at step ${best.step}, ${last
        .map(({ step, value }) => `${short(sign * value)} at step ${step}`)
        .join(', ')}`,
      `meanwhile the loss on trained rows fell by ${Math.round(fall * 100)} %`,
    ],
    soundUntilStep: best.step,
    remedies: [
      fewerEpochs(symptoms.plan),
      advice(`Pause the job and use the checkpoint nearest to step ${best.step}; the best one is kept`),
      advice('Add rows, or more varied ones', true),
    ],
  };
}

/** Looks at held-out rows, oldest first; lower is better in each. */
function looksOf({ status }: Symptoms): At[] {
  const scores = status?.evaluation;
  if (scores === undefined || scores === null) return [];
  const sign = scores.better === 'higher' ? -1 : 1;
  return (scores.history ?? []).flatMap(({ step, values }) => {
    const value = values[scores.metric];
    return typeof value === 'number' && Number.isFinite(value) ? [{ step, value: sign * value }] : [];
  });
}

/** Share by which the training loss fell since a step; undefined where too few points are known on a side. */
function fallSince({ points }: Symptoms, step: number): number | undefined {
  const curve = losses(points);
  const before = curve.filter((point) => point.step <= step).slice(-10);
  const after = curve.slice(-10);
  if (before.length < 5 || after.length < 5) return undefined;
  const from = mean(before.map(({ value }) => value));
  return (from - mean(after.map(({ value }) => value))) / Math.max(Math.abs(from), 1e-9);
}

export const overfittingDetector: Detector = { code: 'Overfitting', detect: overfitting };
