import type { Remedy, Symptoms } from './types.ts';

type Plan = Symptoms['plan'];

/** Share of the steps. */
const LONGEST_WARMUP = 0.2;

/** Halves a decimal text without rounding noise: 0.0002 becomes 0.0001. */
function half(decimal: string): string {
  return (Number(decimal) / 2).toFixed(8).replace(/0+$/, '').replace(/\.$/, '');
}

export function lowerLearningRate({ hyperparameters: { learningRate } }: Plan): Remedy {
  const next = half(learningRate);
  return {
    text: `Halve the learning rate, from ${learningRate} to ${next}`,
    change: `hyperparameters.learningRate=${next}`,
    costsMore: false,
  };
}

/** Nothing where the warm-up takes a fifth of the steps already. */
export function longerWarmup({ hyperparameters: { warmupRatio } }: Plan): readonly Remedy[] {
  const next = Math.min(LONGEST_WARMUP, Math.max(0.06, Number(warmupRatio) * 2)).toFixed(2);
  if (Number(next) <= Number(warmupRatio)) return [];
  return [
    {
      text: `Warm up for longer, ${next} of the steps instead of ${warmupRatio}`,
      change: `hyperparameters.warmupRatio=${next}`,
      costsMore: false,
    },
  ];
}

export function fewerEpochs({ hyperparameters: { epochs, maxSteps } }: Plan): Remedy {
  if (epochs !== undefined && epochs > 1) {
    return {
      text: `Make ${epochs - 1} passes instead of ${epochs}`,
      change: `hyperparameters.epochs=${epochs - 1}`,
      costsMore: false,
    };
  }
  if (maxSteps === undefined) return { text: 'Train on fewer rows', costsMore: false };
  const fewer = Math.max(1, Math.floor(maxSteps * 0.75));
  return {
    text: `Make ${fewer} steps instead of ${maxSteps}`,
    change: `hyperparameters.maxSteps=${fewer}`,
    costsMore: false,
  };
}

/** Recomputes activations in the backward pass: about a third more time a step, far less memory. */
export function checkpointGradients({ hyperparameters }: Plan): Remedy | undefined {
  if (hyperparameters.gradientCheckpointing) return undefined;
  return {
    text: 'Turn gradient checkpointing on: much less memory for about a third more time a step',
    change: 'hyperparameters.gradientCheckpointing=true',
    costsMore: false,
  };
}

/** The same effective batch in smaller pieces: the same updates, less memory. */
export function smallerBatch({ hyperparameters: { batchSize, gradientAccumulation } }: Plan): Remedy | undefined {
  if (batchSize < 2) return undefined;
  const batch = Math.ceil(batchSize / 2);
  const pieces = Math.round((batchSize * gradientAccumulation) / batch);
  return {
    text: `Take ${batch} rows at a time instead of ${batchSize}, and ${pieces} pieces a step, so that the step stays the same`,
    change: `hyperparameters.batchSize=${batch},hyperparameters.gradientAccumulation=${pieces}`,
    costsMore: false,
  };
}

export function quantize({ method }: Plan): Remedy | undefined {
  if (method.name !== 'lora') return undefined;
  return {
    text: 'Train with QLoRA instead of LoRA: the weights take a quarter of the memory',
    change: 'method.name=qlora',
    costsMore: false,
  };
}

export function shorterRows({ hyperparameters: { maxLength } }: Plan): Remedy | undefined {
  if (maxLength === undefined || maxLength < 256) return undefined;
  const next = Math.floor(maxLength / 2);
  return {
    text: `Cut rows at ${next} tokens instead of ${maxLength}; longer ones lose their end`,
    change: `hyperparameters.maxLength=${next}`,
    costsMore: false,
  };
}

/** What there is of the given ones, with a last resort where there is none. */
export function oneOf(last: Remedy, ...remedies: readonly (Remedy | undefined)[]): readonly [Remedy, ...Remedy[]] {
  const [first, ...rest] = remedies.filter((remedy) => remedy !== undefined);
  return first === undefined ? [last] : [first, ...rest, last];
}

/** A remedy that changes nothing in the plan. */
export function advice(text: string, costsMore = false): Remedy {
  return { text, costsMore };
}
