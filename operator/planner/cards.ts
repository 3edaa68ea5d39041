import type { MethodName, Modality, Quality } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import type { Candidate } from './candidate.ts';
import { isComfortable } from './candidate.ts';
import { gpusOf } from './compute.ts';

/** Which class of card suits which work. The first row that matches holds. */
export interface CardAdvice {
  readonly id: string;
  readonly modalities: readonly Modality[];
  readonly methods?: readonly MethodName[];
  readonly quality?: Quality;
  /** Billions of parameters up to which the row holds. */
  readonly maxParametersB?: number;
  /** Catalog ids, smallest first: the first that holds the work with room to spare is meant. */
  readonly gpus: readonly string[];
  /** Reads well after "because". */
  readonly because: string;
}

const TEXT: readonly Modality[] = ['llm', 'code', 'multimodal'];
const ADAPTERS: readonly MethodName[] = ['lora', 'qlora', 'dpo', 'voice-clone', 'dreambooth', 'textual-inversion'];

export const CARD_ADVICE: readonly CardAdvice[] = [
  {
    id: 'flagship',
    modalities: ['llm', 'code', 'multimodal', 'image', 'video', 'audio'],
    quality: 'flagship',
    gpus: ['H100-SXM-80GB'],
    because: 'long runs of several stages gain most from three times the arithmetic of an A100 at twice its price',
  },
  {
    id: 'video',
    modalities: ['video'],
    gpus: ['A100-SXM-80GB'],
    because: 'the tokens of a clip fill 50 to 70 GB at usual sizes, so that smaller cards must cut frames or pixels',
  },
  {
    id: 'image-adapter',
    modalities: ['image'],
    methods: ADAPTERS,
    gpus: ['RTX-4090-24GB', 'A100-SXM-40GB', 'A100-SXM-80GB'],
    because:
      'adapters of image models up to about 4 B parameters train in 24 GB, and published step times are of this card',
  },
  {
    id: 'image-full',
    modalities: ['image'],
    gpus: ['A100-SXM-80GB'],
    because: 'all weights with their optimizer state do not fit on a workstation card',
  },
  {
    id: 'audio',
    modalities: ['audio'],
    gpus: ['RTX-4090-24GB', 'A100-SXM-40GB', 'A100-SXM-80GB'],
    because: 'speech and music models are small: 24 GB hold them, and larger cards would stand half empty',
  },
  {
    id: 'text-small-adapter',
    modalities: TEXT,
    methods: ADAPTERS,
    maxParametersB: 4,
    gpus: ['RTX-4090-24GB', 'A100-SXM-40GB', 'A100-SXM-80GB'],
    because: 'up to 4 B parameters adapters train in 24 GB at full batch',
  },
  {
    id: 'text-adapter',
    modalities: TEXT,
    methods: ADAPTERS,
    gpus: ['A100-SXM-40GB', 'A100-SXM-80GB'],
    because:
      'it holds a base of 7 to 14 B parameters with rows of thousands of tokens and room to spare, and published speeds of this method are of this card',
  },
  {
    id: 'text-all-weights',
    modalities: TEXT,
    gpus: ['A100-SXM-80GB'],
    because:
      'weights, gradients and optimizer state are spread over linked cards, and fewer, larger ones exchange less',
  },
];

/** Rank of cards that no advice names. */
const UNADVISED = 1000;

/** The advice for a piece of work. */
function cardAdvice(
  advice: readonly CardAdvice[],
  model: Pick<ModelSpec, 'modality' | 'parameters'>,
  method: MethodName,
  quality: Quality,
): CardAdvice | undefined {
  return advice.find(
    (row) =>
      row.modalities.includes(model.modality) &&
      (row.methods === undefined || row.methods.includes(method)) &&
      (row.quality === undefined || row.quality === quality) &&
      (row.maxParametersB === undefined || model.parameters <= row.maxParametersB * 1e9),
  );
}

/** Catalog ids of the cards that are advised for a piece of work; none where there is no advice. */
export function advisedGpus(
  model: Pick<ModelSpec, 'modality' | 'parameters'>,
  method: MethodName,
  quality: Quality,
): readonly string[] {
  return cardAdvice(CARD_ADVICE, model, method, quality)?.gpus ?? [];
}

/** The advice for a candidate's work. */
export function adviceFor({ model, method, rules }: Candidate): CardAdvice | undefined {
  return cardAdvice(CARD_ADVICE, model, method, rules.quality);
}

/** How far a candidate's card is from the advised one; 0 = the very card, alone, with room to spare. */
export function cardRank(candidate: Candidate): number {
  const index = adviceFor(candidate)?.gpus.indexOf(candidate.compute.offer.gpu) ?? -1;
  if (index < 0) return UNADVISED;
  return index + (isComfortable(candidate.estimate) ? 0 : 5) + 10 * Math.log2(gpusOf(candidate.compute));
}
