import { lossDetectors } from './loss.ts';
import { overfittingDetector } from './overfitting.ts';
import { runningDetectors } from './running.ts';
import { startDetector } from './start.ts';
import type { Detector, Symptoms, Verdict } from './types.ts';

const DETECTORS: readonly Detector[] = [startDetector, ...lossDetectors, overfittingDetector, ...runningDetectors];

/** What every detector says of these symptoms, by the code of its finding. */
export function detect(symptoms: Symptoms): ReadonlyMap<string, Verdict> {
  return new Map(DETECTORS.map(({ code, detect: look }) => [code, look(symptoms)]));
}
