import type { TrainingJobStatus } from '@kriptik/crds';

/** `stage 2 of 3: preference`; undefined for a plan of one. */
export function stageText(progress: TrainingJobStatus['progress']): string | undefined {
  const { stage } = progress ?? {};
  return stage === undefined ? undefined : `stage ${stage.number} of ${stage.count}: ${stage.name}`;
}
