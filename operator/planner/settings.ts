import type { Contract, Hyperparameters, MethodOptions } from '@kriptik/crds';
import type { Problem } from './candidate.ts';

/** Kinds of models that make something to look at, and whose loops keep a moving average. */
const MAKES_SAMPLES: ReadonlySet<Contract['modality']> = new Set<Contract['modality']>(['image', 'video', 'audio']);

/** Fewest rows that are looked at together: KTO compares the answers of a batch. */
export function leastBatch(options: MethodOptions = {}): number {
  return options.preference === 'kto' ? 2 : 1;
}

/** Settings of the goal that the trainer would refuse, before they are approved; undefined where there are none. */
export function settingsProblem(
  { modality, constraints }: Pick<Contract, 'modality' | 'constraints'>,
  options: MethodOptions = {},
  { batchSize }: Pick<Hyperparameters, 'batchSize'>,
): Problem | undefined {
  const no = (text: string): Problem => ({ reason: 'UnsupportedMethod', text });
  const { emaDecay, evaluation } = constraints;
  if (!MAKES_SAMPLES.has(modality)) {
    if (emaDecay !== undefined) {
      return no('a moving average is kept of models of pictures, clips and sound: remove spec.constraints.emaDecay');
    }
    if (evaluation !== undefined) {
      return no('models of text make no samples to score: remove spec.constraints.evaluation');
    }
  }
  if (batchSize < leastBatch(options)) {
    return no('KTO compares the answers of a batch: set spec.constraints.batchSize to 2 or more');
  }
  if (options.loss !== undefined && (options.preference ?? 'dpo') !== 'dpo') {
    return no(`${options.preference} has a loss of its own: remove spec.constraints.options.loss`);
  }
  return undefined;
}
