import type { Contract, Hyperparameters, MethodName, MethodOptions, Resolved } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import type { Estimate } from '../estimator/estimate.ts';
import { estimate } from '../estimator/estimate.ts';
import { totalSteps } from '../estimator/steps.ts';
import type { Device, Workload } from '../estimator/workload.ts';
import type { MicroUsd } from '../money.ts';
import { addMoney } from '../money.ts';
import type { Compute } from './compute.ts';
import { gpusOf } from './compute.ts';
import type { DataSummary } from './data/summary.ts';
import { canShard } from './executors.ts';
import type { RuleInput } from './hyperparameters.ts';
import { chooseHyperparameters, chooseLora, LEAN } from './hyperparameters.ts';
import { chooseOptions } from './options.ts';
import type { PolicyRule } from './policy-types.ts';
import { sizeProblem } from './problems.ts';
import type { Found } from './search.ts';
import { leastBatch, settingsProblem } from './settings.ts';
import { forShards, gatherProblem, isSeveral } from './sharding.ts';
import { extentProblem } from './too-large.ts';
import type { BlockReason, DataFacts, EffectivePolicy, ModelFacts } from './types.ts';

type Sharding = NonNullable<Workload['sharding']>;

/** What is fixed while combinations are compared. */
export interface PlanContext {
  readonly contract: Contract;
  readonly catalog: Catalog;
  readonly policy: EffectivePolicy;
  readonly data: DataSummary;
  readonly facts: readonly DataFacts[];
  /** False when the model Hub cannot be reached. */
  readonly hubReachable: boolean;
  readonly modelFacts: readonly ModelFacts[];
  /** Lowest of the goal's limit and the policies' ceilings. */
  readonly limit: MicroUsd;
  readonly memory: PlanMemory;
}

/** What was worked out already, for contexts with the same rows and limit. */
export interface PlanMemory {
  readonly candidates: Map<string, Candidate>;
  /** What was found for a narrowing of the choices. */
  readonly searches: Map<string, Found | undefined>;
  /** What forbids a model with a method, and a compute; null = nothing. */
  readonly problems: Map<string, Problem | null>;
  /** What a stage of this name looks at; null = there are no rows for it. */
  readonly stages: Map<string, PlanContext | null>;
}

export function emptyMemory(): PlanMemory {
  return { candidates: new Map(), searches: new Map(), problems: new Map(), stages: new Map() };
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
  readonly hyperparameters: Hyperparameters;
  readonly lora?: NonNullable<Resolved['method']['lora']>;
  readonly options?: MethodOptions;
  /** How several GPUs share the model; absent where each holds the whole of it. */
  readonly parallelism?: 'sharded';
  readonly steps: number;
  readonly pricePerHour: MicroUsd;
  readonly estimate: Estimate;
  /** What the rules looked at, for the reasons. */
  readonly rules: RuleInput;
  /** Expected total with the reserve is within the limit. */
  readonly fits: boolean;
  /** Why this cannot be chosen although nobody forbids it: memory, speed, deadline. */
  readonly problem?: Problem;
}

/** What speaks against a combination: a reason for machines and one for people. */
export interface Problem {
  readonly reason: BlockReason;
  readonly text: string;
  /** The rule of a policy, where one forbids it. */
  readonly rule?: PolicyRule;
}

/**
 * Works one combination out: hyperparameters, memory, time, cost, and whether it is too big. What forbids it
 * (staticProblem) is the caller's to ask first. Equal questions are answered from memory.
 */
export function buildCandidate(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  compute: Compute,
  extent: Extent = {},
): Candidate {
  const key = `${model.id} ${method} ${compute.id} ${extent.epochs} ${extent.maxSteps}`;
  const known = context.memory.candidates.get(key);
  if (known !== undefined) return known;
  const made = workOut(context, model, method, compute, extent);
  context.memory.candidates.set(key, made);
  return made;
}

function workOut(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  compute: Compute,
  extent: Extent,
): Candidate {
  const { contract, catalog, data } = context;
  const device = deviceOf(compute);
  const shardable = canShard(catalog, model, method, compute.offer);
  // No preview counts on shards that no trainer makes.
  const wholeModel = compute.offer.wholeModel === true || !shardable;
  const price = compute.pricePerHour;
  const rules: RuleInput = {
    model,
    modality: contract.modality,
    method,
    quality: contract.quality,
    device,
    rows: data.rows,
    ...(data.longestRow !== undefined && { longestRow: data.longestRow }),
    constraints: withExtent(contract.constraints, extent),
  };
  const lora = chooseLora(rules);
  const usual = chooseHyperparameters(rules);
  const options = chooseOptions({
    model,
    method,
    wished: contract.constraints.options ?? {},
    data,
    maxLength: usual.maxLength,
    goalText: contract.goalText,
  });
  const several = isSeveral(compute);
  const whole = settle(usual, wholeModel ? 'none' : 'full');
  // Copies are faster than shards: the model is cut where no GPU holds the whole of it.
  const cut = wholeModel && several && !whole.figures.fitsMemory && usual.precision !== 'fp16';
  const parallelism = (cut && shardable) || (several && !wholeModel) ? 'sharded' : undefined;
  const settled =
    wholeModel && parallelism !== undefined ? settle(forShards(usual), lora === undefined ? 'full' : 'base') : whole;
  let { hyperparameters, figures } = settled;
  const { work } = settled;
  if (hyperparameters.epochs !== undefined && work.steps < (hyperparameters.maxSteps ?? 0)) {
    const { maxSteps: _unreached, ...rest } = hyperparameters;
    hyperparameters = rest;
  }
  const checkpointEverySteps = checkpointInterval(work, figures, rules.constraints);
  figures = estimate({ ...work, checkpointEverySteps }, price, catalog);
  const shared = parallelism !== undefined && ({ parallelism } as const);
  const problem =
    settingsProblem(contract, options, hyperparameters) ??
    sizeProblem(context, compute, figures) ??
    gatherProblem({ model, method, compute, hyperparameters, ...shared }, contract) ??
    extentProblem(context, { figures, steps: work.steps, hyperparameters, price });
  return {
    model,
    method,
    compute,
    hyperparameters: { ...hyperparameters, checkpointEverySteps },
    ...(lora !== undefined && { lora }),
    ...(options !== undefined && { options }),
    ...shared,
    steps: work.steps,
    pricePerHour: price,
    estimate: figures,
    rules,
    fits: addMoney(figures.cost.total.expected, figures.cost.reserve) <= context.limit,
    ...(problem !== undefined && { problem }),
  };

  /** Memory is made to fit, with room for a long row, before it is refused. */
  function settle(first: Hyperparameters, sharding: Sharding) {
    let hyper = first;
    for (;;) {
      const work = workload(hyper, sharding);
      const figures = estimate(work, price, catalog);
      const next = thriftier(hyper, figures, { method, wholeModel, sharding, leastBatch: leastBatch(options) });
      if (next === undefined) return { hyperparameters: hyper, work, figures };
      hyper = next;
    }
  }

  function workload(chosen: Hyperparameters, sharding: Sharding): Workload {
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
        devices: gpusOf(compute),
        ...(chosen.maxSteps !== undefined && { maxSteps: chosen.maxSteps }),
      }),
      gradientCheckpointing: chosen.gradientCheckpointing,
      device,
      nodes: compute.nodes,
      rows: data.rows,
      ...sizesOf(options),
      ...(chosen.optimizer !== undefined && { optimizer: chosen.optimizer }),
      ...(chosen.weightPrecision !== undefined && { weightPrecision: chosen.weightPrecision }),
      ...(chosen.offloadOptimizer === true && { offload: 'optimizer' as const }),
      ...(chosen.emaDecay !== undefined && { average: true }),
      sharding,
      rented: compute.offer.type !== 'local',
    };
  }
}

/** What options tell the estimates. */
function sizesOf(options: MethodOptions = {}): Partial<Workload> {
  const { resolution, frames, seconds, maxCompletion, packing } = options;
  return {
    ...(resolution !== undefined && { resolution }),
    ...(frames !== undefined && { frames }),
    ...(seconds !== undefined && { clipSeconds: Number(seconds) }),
    ...(maxCompletion !== undefined && { generatedTokens: maxCompletion }),
    ...(packing !== undefined && { packed: packing }),
  };
}

/** Steps and passes exclude each other; what was chosen for this plan replaces what the goal said. */
function withExtent(constraints: Contract['constraints'], extent: Extent): Contract['constraints'] {
  if (extent.epochs === undefined && extent.maxSteps === undefined) return constraints;
  const { epochs: _epochs, maxSteps: _steps, ...rest } = constraints;
  return { ...rest, ...extent };
}

function deviceOf({ offer, count, spec }: Compute): Device {
  if (spec !== undefined) return { kind: 'gpu', spec, count };
  const { memoryBytes, cpus = 2 } = offer;
  return { kind: 'cpu', cores: cpus, ...(memoryBytes !== undefined && { memoryBytes }) };
}

/** Share of a card's memory above which a run is one long row away from failing. */
const COMFORTABLE = 0.92;

/** Whether memory is left for a row that is longer than most. */
export function isComfortable({ memory, memoryAvailable = Number.POSITIVE_INFINITY }: Estimate): boolean {
  return memory.total <= memoryAvailable * COMFORTABLE;
}

/**
 * The next way to need less memory: activations computed again, then smaller batches at the same effective size,
 * then, where all weights are trained, eight-bit optimizer state and no second copy of the weights, or that state in
 * main memory. Undefined when none is left, or none is needed.
 */
function thriftier(
  hyper: Hyperparameters,
  figures: Estimate,
  rules: {
    readonly method: MethodName;
    readonly wholeModel: boolean;
    readonly sharding: Sharding;
    readonly leastBatch: number;
  },
): Hyperparameters | undefined {
  const { method, wholeModel, sharding } = rules;
  if (isComfortable(figures)) return undefined;
  if (!hyper.gradientCheckpointing) return { ...hyper, gradientCheckpointing: true };
  if (hyper.batchSize <= rules.leastBatch) {
    if (figures.fitsMemory) return undefined;
    // A trainer that holds whole models keeps the optimizer's state beside them.
    if (wholeModel) {
      if (method !== 'full' || hyper.weightPrecision === 'bf16') return undefined;
      return { ...hyper, ...(sharding === 'none' ? LEAN : { weightPrecision: LEAN.weightPrecision }) };
    }
    const offloadable = hyper.weightPrecision === 'bf16' && hyper.offloadOptimizer !== true;
    return offloadable ? { ...hyper, offloadOptimizer: true } : undefined;
  }
  const batchSize = Math.max(rules.leastBatch, Math.ceil(hyper.batchSize / 2));
  const gradientAccumulation = Math.round((hyper.batchSize * hyper.gradientAccumulation) / batchSize);
  return { ...hyper, batchSize, gradientAccumulation };
}

/** Saving takes at most a twentieth of the training between two checkpoints. */
const TRAINING_PER_SAVING = 20;

/**
 * About ten checkpoints a run, and thirty seconds to ten minutes apart: what a lost instance may cost. Further apart
 * where one takes long to write.
 */
function checkpointInterval(work: Workload, { time }: Estimate, constraints: Contract['constraints']): number {
  if (constraints.checkpointEverySteps !== undefined) return constraints.checkpointEverySteps;
  const perRun = Math.ceil(work.steps / 10);
  const perTime = Math.max(1, Math.floor(600 / time.secondsPerStep));
  const notTooOften = Math.ceil(30 / time.secondsPerStep);
  const worthIt = Math.ceil((TRAINING_PER_SAVING * time.checkpointSeconds) / time.secondsPerStep);
  // The checkpoint at the end is written in any case.
  return Math.min(Math.max(1, worthIt, Math.min(Math.max(perRun, notTooOften), perTime, 500)), Math.max(1, work.steps));
}
