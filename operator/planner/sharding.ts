import type { Contract, Hyperparameters } from '@kriptik/crds';
import type { Candidate, Problem } from './candidate.ts';
import type { Compute } from './compute.ts';
import { gpusOf } from './compute.ts';
import { gigabytes } from './problems.ts';

/** Settings that trainers apply to shards: AdamW alone knows weights that are cut, and its state stays beside them. */
export function forShards({
  optimizer: _whole,
  weightPrecision: _lean,
  offloadOptimizer: _moved,
  ...rest
}: Hyperparameters): Hyperparameters {
  return rest;
}

type Gathered = Pick<Candidate, 'method' | 'compute' | 'hyperparameters' | 'parallelism'> & {
  readonly model: Pick<Candidate['model'], 'parameters'>;
};

/** Weight and two moments of AdamW, of four bytes or two. */
const CHECKPOINT_BYTES = { mixed: 12, bf16: 6 } as const;
/** A base is loaded in half precision to merge an adapter into it. */
const MERGED_BYTES = 2;

/**
 * Bytes of main memory that the first process of a run with shards takes: for a checkpoint it brings weights and
 * optimizer state together, and for a merged model the base. 0 without shards.
 */
export function gatheredBytes({ model, method, hyperparameters, parallelism }: Gathered, contract: Contract): number {
  if (parallelism === undefined) return 0;
  if (method === 'full') {
    return model.parameters * CHECKPOINT_BYTES[hyperparameters.weightPrecision === 'bf16' ? 'bf16' : 'mixed'];
  }
  return isMerged(contract) ? model.parameters * MERGED_BYTES : 0;
}

function isMerged({ output }: Contract): boolean {
  const asked = output.flatMap(({ artifacts = [] }) => artifacts);
  return asked.length === 0 || asked.includes('merged');
}

/** What speaks against shards where the machine's main memory is known and does not hold what is brought together. */
export function gatherProblem(candidate: Gathered, contract: Contract): Problem | undefined {
  const { offer } = candidate.compute;
  const needed = gatheredBytes(candidate, contract);
  if (offer.memoryBytes === undefined || needed <= offer.memoryBytes) return undefined;
  return {
    reason: 'DoesNotFitInMemory',
    text: `its shards are brought together in ${gigabytes(needed)} of main memory, ${held(offer)} ${gigabytes(offer.memoryBytes)}`,
  };
}

function held({ name, type }: Compute['offer']): string {
  return type === 'kubernetes' ? `kubernetes.resources.memory of ${name} is` : `${name} has`;
}

/** How the GPUs share the model, and what main memory that takes, each a sentence; none where each holds the whole. */
export function shardReasons(candidate: Candidate, contract: Contract): readonly string[] {
  if (candidate.parallelism === undefined) return [];
  const needed = gatheredBytes(candidate, contract);
  const why = candidate.compute.offer.wholeModel === true ? ', for none holds the whole' : '';
  return [
    `Each GPU holds a shard of the model${why}, and gathers the rest layer by layer.`,
    ...(needed > 0
      ? [`What is saved is whole: the first process brings it together in ${gigabytes(needed)} of main memory.`]
      : []),
  ];
}

/** Whether there are several GPUs to cut a model over. */
export function isSeveral(compute: Compute): boolean {
  return compute.offer.gpu !== 'cpu' && gpusOf(compute) > 1;
}
