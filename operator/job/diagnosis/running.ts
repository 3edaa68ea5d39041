import { formatUsd, parseMoney } from '../../money.ts';
import { advice, fewerEpochs, oneOf } from './remedies.ts';
import { median, percent } from './series.ts';
import { THRESHOLDS } from './thresholds.ts';
import type { Detector, Symptoms, Verdict } from './types.ts';

/** The GPU waits for rows: what is paid for stands still. */
function dataWait({ points, plan, status }: Symptoms): Verdict {
  const { raise, clear, points: least, skipPoints } = THRESHOLDS.dataWait;
  const shares = points
    .slice(skipPoints)
    .flatMap(({ dataWaitShare }) => (typeof dataWaitShare === 'number' ? [dataWaitShare] : []));
  const last = shares.slice(-least);
  if (last.length < least) return undefined;
  const share = median(last);
  if (share < clear) return 'clear';
  if (share < raise) return undefined;
  return {
    code: 'DataStarvesGpu',
    severity: 'Warning',
    message: `${percent(share)} of the time of a step is spent waiting for rows`,
    evidence: [
      `median of the last ${least} points: ${percent(share)} of a step waits for data`,
      `on ${plan.compute.gpu}${busyText(status)}`,
    ],
    remedies: [
      advice('Put the data nearer: on a volume of the cluster, or in the region of the provider'),
      advice('Give the trainer more processors: resources.cpu of the ComputeProvider'),
      advice(
        'Store pictures, clips and sounds in the size they are trained in, so that they need not be scaled each time',
      ),
    ],
  };
}

function busyText(status: Symptoms['status']): string {
  return typeof status?.gpuBusyShare === 'number' ? `, which computes ${percent(status.gpuBusyShare)} of the time` : '';
}

/** Rows are there in time, and the GPU stands still all the same: steps are too small for it. */
function gpuIdle({ points, plan, status }: Symptoms): Verdict {
  const busy = status?.gpuBusyShare;
  const waits = status?.dataWaitShare ?? 0;
  if (status === undefined || typeof busy !== 'number') return undefined;
  const { raise, clear, points: least } = THRESHOLDS.gpuIdle;
  // Waiting for rows is a finding of its own, with other remedies.
  if (busy > clear || waits >= THRESHOLDS.dataWait.raise) return 'clear';
  if (busy > raise || points.length < least) return undefined;
  const { batchSize, gradientAccumulation } = plan.hyperparameters;
  return {
    code: 'GpuUnderused',
    severity: 'Info',
    message: `The GPU computes only ${percent(busy)} of the time, and rows are there in time: each step is too little work for it`,
    evidence: [
      `busy ${percent(busy)} of the time over the last steps, on ${plan.compute.gpu}`,
      `batch ${batchSize}, ${gradientAccumulation} pieces a step; ${percent(waits)} of a step waits for data`,
    ],
    remedies: oneOf(
      advice('Pack several rows into a sequence: packing of the method'),
      gradientAccumulation > 1
        ? advice('Take more rows at a time in fewer pieces: the step stays the same')
        : undefined,
      advice('Choose a smaller GPU for the same work: edit spec.selection.gpu of a new plan'),
    ),
  };
}

/** The forecast does not fit the budget, as it was measured. */
function budget({ budget: money, plan, situation, status }: Symptoms): Verdict {
  if (situation.kind === 'Succeeded') return 'clear';
  if (money.fits === undefined || money.forecast === undefined) return undefined;
  if (money.fits) return 'clear';
  const done = status?.totalSteps ? status.step / status.totalSteps : undefined;
  const usd = (amount: string): string => formatUsd(parseMoney(amount));
  return {
    code: 'BudgetTooFast',
    severity: 'Warning',
    message: `At the measured speed the whole run costs ${usd(money.forecast)}, which does not fit ${usd(money.limit)}`,
    evidence: [
      `${usd(money.spent)} of ${usd(money.limit)} spent${done === undefined ? '' : ` for ${percent(done)} of the steps`}`,
      ...(status?.secondsPerStep ? [`${status.secondsPerStep} s a step on ${plan.compute.gpu}`] : []),
    ],
    remedies: oneOf(
      advice('Choose a GPU that makes more steps for the money, or a smaller batch: edit spec.selection of a new plan'),
      fewerEpochs(plan),
      ...money.options.map((text) => advice(text, text.startsWith('raise'))),
    ),
  };
}

/** Saves fail while the training goes on: what an end would cost grows. */
function saves({ status, plan }: Symptoms): Verdict {
  if (status === undefined) return undefined;
  const failed = status.lastCheckpointError;
  if (failed === undefined || failed === null) return 'clear';
  const atRisk = status.stepsSinceCheckpoint ?? 0;
  if (atRisk < THRESHOLDS.saves.intervals * plan.hyperparameters.checkpointEverySteps) return undefined;
  return {
    code: 'SavesFail',
    severity: 'Warning',
    message: `Nothing could be saved at step ${failed.step}: ${failed.message}`,
    evidence: [`${atRisk} steps would be lost if it ended now`, `${failed.code} at step ${failed.step}, ${failed.at}`],
    remedies: [
      advice('Mend the store: permissions, keys, free space, network. It is tried again by itself'),
      advice('Pausing before that would lose those steps'),
    ],
  };
}

export const runningDetectors: readonly Detector[] = [
  { code: 'DataStarvesGpu', detect: dataWait },
  { code: 'GpuUnderused', detect: gpuIdle },
  { code: 'BudgetTooFast', detect: budget },
  { code: 'SavesFail', detect: saves },
];
