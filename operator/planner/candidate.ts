import type { Contract, MethodName, Resolved } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import type { Estimate } from '../estimator/estimate.ts';
import { estimate } from '../estimator/estimate.ts';
import { totalSteps } from '../estimator/steps.ts';
import type { Device, Workload } from '../estimator/workload.ts';
import type { MicroUsd } from '../money.ts';
import { addMoney, microUsd } from '../money.ts';
import type { DataSummary } from './data.ts';
import { chooseHyperparameters, chooseLora } from './hyperparameters.ts';
import type { PolicyRule } from './policy-types.ts';
import { problemOf } from './problems.ts';
import type { BlockReason, EffectivePolicy, ProviderOffer } from './types.ts';

/** Some GPUs (or the processor) of one offer. */
export interface Compute {
  readonly offer: ProviderOffer;
  readonly count: number;
}

/** What is fixed while combinations are compared. */
export interface PlanContext {
  readonly contract: Contract;
  readonly catalog: Catalog;
  readonly policy: EffectivePolicy;
  readonly data: DataSummary;
  /** False when the model Hub cannot be reached. */
  readonly hubReachable: boolean;
  /** Lowest of the goal's limit and the policies' ceilings. */
  readonly limit: MicroUsd;
}

/** How far to train, where the people's choice or the limit overrides the rules. */
export interface Extent {
  readonly epochs?: number;
  readonly maxSteps?: number;
}

/** One combination of model, method and compute with everything that follows from it. */
export interface Candidate {
  readonly model: ModelSpec;
  readonly method: MethodName;
  readonly compute: Compute;
  readonly hyperparameters: Resolved['hyperparameters'];
  readonly lora?: NonNullable<Resolved['method']['lora']>;
  readonly steps: number;
  readonly pricePerHour: MicroUsd;
  readonly estimate: Estimate;
  /** Expected total with the reserve is within the limit. */
  readonly fits: boolean;
  /** Why this cannot be chosen; absent = it can. */
  readonly problem?: Problem;
}

/** What speaks against a combination: a reason for machines and one for people. */
export interface Problem {
  readonly reason: BlockReason;
  readonly text: string;
  /** The rule of a policy, where one forbids it. */
  readonly rule?: PolicyRule;
}

/** Works one combination out: hyperparameters, memory, time, cost, and what speaks against it. */
export function buildCandidate(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  compute: Compute,
  extent: Extent = {},
): Candidate {
  const { contract, catalog, data } = context;
  const device = deviceOf(compute, catalog);
  const constraints = withExtent(contract.constraints, extent);
  const rules = {
    model,
    modality: contract.modality,
    method,
    quality: contract.quality,
    device,
    rows: data.rows,
    ...(data.longestRow !== undefined && { longestRow: data.longestRow }),
    constraints,
  };
  const lora = chooseLora(rules);
  let hyperparameters = chooseHyperparameters(rules);
  let work = workload(hyperparameters);
  let figures = estimate(work, pricePerHour(compute), catalog);
  // Memory is made to fit before it is refused: checkpointing first, then smaller batches at the same effective size.
  while (!figures.fitsMemory && (!hyperparameters.gradientCheckpointing || hyperparameters.batchSize > 1)) {
    hyperparameters = thriftier(hyperparameters);
    work = workload(hyperparameters);
    figures = estimate(work, pricePerHour(compute), catalog);
  }
  if (hyperparameters.epochs !== undefined && work.steps < (hyperparameters.maxSteps ?? 0)) {
    const { maxSteps: _unreached, ...rest } = hyperparameters;
    hyperparameters = rest;
  }
  const total = figures.cost.total.expected;
  const problem = problemOf(context, model, method, compute, figures);
  return {
    model,
    method,
    compute,
    hyperparameters: { ...hyperparameters, checkpointEverySteps: checkpointInterval(work, figures, constraints) },
    ...(lora !== undefined && { lora }),
    steps: work.steps,
    pricePerHour: pricePerHour(compute),
    estimate: figures,
    fits: addMoney(total, figures.cost.reserve) <= context.limit,
    ...(problem !== undefined && { problem }),
  };

  function workload(chosen: Resolved['hyperparameters']): Workload {
    const devices = device.kind === 'gpu' ? device.count : 1;
    return {
      model,
      method,
      ...(lora !== undefined && { loraRank: lora.r }),
      batchSize: chosen.batchSize,
      gradientAccumulation: chosen.gradientAccumulation,
      maxLength: chosen.maxLength,
      tokensPerRow: Math.min(data.tokensPerRow, chosen.maxLength),
      steps: totalSteps({
        rows: data.rows,
        epochs: chosen.epochs ?? Number.MAX_SAFE_INTEGER,
        batchSize: chosen.batchSize,
        gradientAccumulation: chosen.gradientAccumulation,
        devices,
        ...(chosen.maxSteps !== undefined && { maxSteps: chosen.maxSteps }),
      }),
      gradientCheckpointing: chosen.gradientCheckpointing,
      device,
      rented: compute.offer.type !== 'local',
    };
  }
}

/** Price of the whole instance per hour. */
export function pricePerHour({ offer, count }: Compute): MicroUsd {
  return offer.priceUnit === 'machine' ? offer.unitPricePerHour : microUsd(offer.unitPricePerHour * count);
}

/** Stable id of a compute choice: "workstation/cpu", "runpod-eu/A100-SXM-80GBx4". */
export function computeId({ offer, count }: Compute): string {
  return `${offer.name}/${offer.gpu}${count > 1 ? `x${count}` : ''}`;
}

/** Steps and passes exclude each other; what was chosen for this plan replaces what the goal said. */
function withExtent(constraints: Contract['constraints'], extent: Extent): Contract['constraints'] {
  if (extent.epochs === undefined && extent.maxSteps === undefined) return constraints;
  const { epochs: _epochs, maxSteps: _steps, ...rest } = constraints;
  return { ...rest, ...extent };
}

function deviceOf({ offer, count }: Compute, catalog: Catalog): Device {
  const spec = offer.gpu === 'cpu' ? undefined : findGpu(catalog, offer.gpu);
  if (spec !== undefined) return { kind: 'gpu', spec, count };
  const { memoryBytes, cpus = 2 } = offer;
  return { kind: 'cpu', cores: cpus, ...(memoryBytes !== undefined && { memoryBytes }) };
}

function thriftier(hyper: Resolved['hyperparameters']): Resolved['hyperparameters'] {
  if (!hyper.gradientCheckpointing) return { ...hyper, gradientCheckpointing: true };
  const batchSize = Math.ceil(hyper.batchSize / 2);
  const gradientAccumulation = Math.round((hyper.batchSize * hyper.gradientAccumulation) / batchSize);
  return { ...hyper, batchSize, gradientAccumulation };
}

/** About ten checkpoints a run, and thirty seconds to ten minutes apart: what a lost instance may cost. */
function checkpointInterval(work: Workload, { time }: Estimate, constraints: Contract['constraints']): number {
  if (constraints.checkpointEverySteps !== undefined) return constraints.checkpointEverySteps;
  const perRun = Math.ceil(work.steps / 10);
  const perTime = Math.max(1, Math.floor(600 / time.secondsPerStep));
  const notTooOften = Math.ceil(30 / time.secondsPerStep);
  return Math.max(1, Math.min(Math.max(perRun, notTooOften), perTime, 500));
}
