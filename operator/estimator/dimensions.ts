import type { Shape } from '../catalog/catalog.ts';
import type { WorkModel } from './workload.ts';

/** A transformer by what its arithmetic and memory depend on. */
export interface Dimensions {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly feedForward: number;
  readonly feedForwardMatrices: number;
  readonly vocabulary: number;
  /** Weights that every token is multiplied with: the layers (of a mixture of experts, the active ones) and the output matrix. */
  readonly activeParameters: number;
  /** Weights of the input embedding, which a table lookup reads. */
  readonly embedding: number;
}

/** Width over depth of published decoders: 768/12, 2048/24, 4096/32, 5120/40, 8192/80. */
const LADDER = [
  { parameters: 0.125e9, hidden: 768, layers: 12 },
  { parameters: 0.35e9, hidden: 1024, layers: 24 },
  { parameters: 1.3e9, hidden: 2048, layers: 24 },
  { parameters: 2.7e9, hidden: 2560, layers: 32 },
  { parameters: 6.7e9, hidden: 4096, layers: 32 },
  { parameters: 13e9, hidden: 5120, layers: 40 },
  { parameters: 30e9, hidden: 7168, layers: 48 },
  { parameters: 70e9, hidden: 8192, layers: 80 },
  { parameters: 405e9, hidden: 16_384, layers: 126 },
] as const;

const HEAD_SIZE = 128;
const TYPICAL_VOCABULARY = 50_000;
const known = new WeakMap<WorkModel, Dimensions>();

/** Dimensions of a model: the catalog's, or those usual for its number of parameters. */
export function dimensionsOf(model: WorkModel): Dimensions {
  const cached = known.get(model);
  if (cached !== undefined) return cached;
  const found = fromShape(model.shape ?? typicalShape(model.parameters), model);
  known.set(model, found);
  return found;
}

function fromShape(shape: Shape, { parameters, architecture }: WorkModel): Dimensions {
  const { hidden, layers, heads, kvHeads, feedForward, vocabulary } = shape;
  const headSize = shape.headSize ?? hidden / heads;
  const matrices = shape.feedForwardMatrices;
  const attention = 2 * hidden * headSize * heads + 2 * hidden * headSize * kvHeads;
  const experts = shape.experts?.active ?? 1;
  const perLayer = attention + experts * matrices * hidden * feedForward;
  const embedding = vocabulary * hidden;
  // Rounded dimensions never say more or less than the parameters do; a mixture of experts is told by its active ones.
  const dense =
    shape.experts === undefined ? parameters - (shape.tiedEmbeddings ? 0 : embedding) : layers * perLayer + embedding;
  const active = architecture?.activeParameters ?? dense;
  return {
    hidden,
    layers,
    heads,
    kvHeads,
    headSize,
    feedForward: feedForward * experts,
    feedForwardMatrices: matrices,
    vocabulary,
    activeParameters: Math.max(active, parameters / 100),
    embedding: Math.min(embedding, parameters / 2),
  };
}

/** A decoder of the Llama kind with that many parameters, between the rungs of the ladder. */
export function typicalShape(parameters: number, vocabulary = TYPICAL_VOCABULARY): Shape {
  const { hidden, layers } = rung(parameters);
  const heads = Math.max(1, Math.round(hidden / HEAD_SIZE));
  return {
    hidden: Math.round(hidden),
    layers: Math.max(1, Math.round(layers)),
    heads,
    kvHeads: heads,
    headSize: HEAD_SIZE,
    feedForward: Math.round(2.69 * hidden),
    feedForwardMatrices: 3,
    vocabulary,
    tiedEmbeddings: parameters < 2e9,
  };
}

function rung(parameters: number): { hidden: number; layers: number } {
  const upper = LADDER.findIndex((step) => step.parameters >= parameters);
  const low = LADDER[upper === -1 ? LADDER.length - 2 : Math.max(0, upper - 1)] ?? LADDER[0];
  const high = LADDER[upper === -1 ? LADDER.length - 1 : Math.max(1, upper)] ?? LADDER[1];
  const share = Math.log(parameters / low.parameters) / Math.log(high.parameters / low.parameters);
  const between = (a: number, b: number): number => a * (b / a) ** share;
  return { hidden: between(low.hidden, high.hidden), layers: Math.max(1, between(low.layers, high.layers)) };
}
