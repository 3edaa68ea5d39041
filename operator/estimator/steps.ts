/** Optimizer steps of a run. */
export interface StepInput {
  readonly rows: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly gradientAccumulation: number;
  /** Devices that each take their own rows. */
  readonly devices: number;
  readonly maxSteps?: number;
}

/** Steps of one pass: the last, partial batch counts. */
export function stepsPerEpoch({ rows, batchSize, gradientAccumulation, devices }: Omit<StepInput, 'epochs'>): number {
  return Math.max(1, Math.ceil(Math.ceil(rows / (batchSize * devices)) / gradientAccumulation));
}

/** Steps of the run; maxSteps ends it earlier, as it does in the trainer. */
export function totalSteps(input: StepInput): number {
  const planned = Math.max(1, Math.ceil(stepsPerEpoch(input) * input.epochs));
  return input.maxSteps === undefined ? planned : Math.min(planned, input.maxSteps);
}
