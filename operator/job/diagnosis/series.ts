import type { MetricPoint } from '../../trainer/messages.ts';
import { THRESHOLDS } from './thresholds.ts';

/** A figure at a step. */
export interface At {
  readonly step: number;
  readonly value: number;
}

/** The finite losses of a curve, oldest first; points without one are passed over. */
export function losses(points: readonly MetricPoint[]): At[] {
  return points.flatMap(({ step, loss }) => (loss === null || !Number.isFinite(loss) ? [] : [{ step, value: loss }]));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** Points that one rolling mean of a curve of this length spans. */
export function windowOf(length: number): number {
  const { share, least, most } = THRESHOLDS.window;
  return Math.min(most, Math.max(least, Math.round(length * share)));
}

/** Means of every `size` points in a row, each at the step of its last point. */
export function rollingMeans(curve: readonly At[], size: number): At[] {
  const means: At[] = [];
  let sum = 0;
  for (const [index, point] of curve.entries()) {
    sum += point.value - (index >= size ? (curve[index - size]?.value ?? 0) : 0);
    if (index >= size - 1) means.push({ step: point.step, value: sum / size });
  }
  return means;
}

/**
 * Standard deviation of the noise of single points, from the median of the absolute differences between neighbours: a
 * trend barely touches it, and neither do single spikes. For normal noise the median is 0.6745 * sqrt(2) deviations.
 */
export function noiseOf(curve: readonly At[]): number {
  const steps = curve.slice(1).map(({ value }, index) => Math.abs(value - (curve[index]?.value ?? value)));
  return steps.length === 0 ? 0 : median(steps) / (0.6745 * Math.SQRT2);
}

/** A figure for people: four digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Share in percent, whole. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
