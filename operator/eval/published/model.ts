import type { Catalog } from '../../catalog/catalog.ts';
import { typicalShape } from '../../estimator/dimensions.ts';
import type { WorkModel } from '../../estimator/workload.ts';
import type { PublishedRow } from './row.ts';

/** Models that notes name and parameters alone do not tell apart, with the family the estimator knows. */
const NAMED: readonly (readonly [RegExp, string])[] = [
  [/sdxl|stable diffusion xl|pony|illustrious/i, 'sdxl'],
  [/flux/i, 'flux.1-dev'],
  [/sd ?3\.5|sd3/i, 'sd-3.5-medium'],
  [/sd ?-?[12]\.\d|stable diffusion/i, 'sd-1.5'],
  [/wan.*1\.3/i, 'wan2.1-t2v-1.3b'],
  [/wan/i, 'wan2.1-t2v-14b'],
  [/ltx/i, 'ltx'],
  [/cogvideox.*2b/i, 'cogvideox-2b'],
  [/cogvideo/i, 'cogvideox-5b'],
  [/hunyuan/i, 'hunyuan-video'],
  [/xtts/i, 'xtts-v2'],
  [/musicgen.*(melody|medium|1\.5)/i, 'musicgen-melody'],
  [/musicgen.*(large|3\.3)/i, 'musicgen-large'],
  [/musicgen/i, 'musicgen-small'],
  [/ace-?step/i, 'ace-step'],
  [/whisper.*large/i, 'whisper-large'],
  [/whisper/i, 'whisper'],
  [/melo/i, 'melotts'],
  [/styletts/i, 'styletts'],
  [/vits|rvc/i, 'vits'],
  [/llava/i, 'llava-1.5'],
];

/** Words of families and the size of their vocabularies, which decides the memory of logits. */
const VOCABULARIES: readonly (readonly [RegExp, number])[] = [
  [/qwen/i, 151_936],
  [/gemma/i, 256_000],
  [/llama-?3|llama 3/i, 128_256],
  [/baichuan2/i, 125_696],
  [/\byi-/i, 64_000],
  [/llama|alpaca|vicuna|mistral|guanaco/i, 32_000],
];

const MIXTURE = /moe|mixtral|experts|-a\d+b/i;

/** Same model where the sizes differ by no more than this. */
const NEAR = 1.02;
/** A model's name says which it is where sizes differ by what is counted: encoders, embeddings. */
const SAME_NAME = 2.2;

/**
 * The model a row means: the one its note names, one of the catalog with as many
 * parameters, or a typical one of that size.
 */
export function modelOf(catalog: Catalog, row: PublishedRow): WorkModel {
  const parameters = row.billions * 1e9;
  const named = NAMED.find(([pattern]) => pattern.test(row.note))?.[1];
  const modality = row.modality === 'code' ? 'llm' : row.modality;
  const ratio = (other: number): number => Math.max(other / parameters, parameters / other);
  const known = catalog.models
    .filter(({ id, parameters: size }) => named !== undefined && id.startsWith(named) && ratio(size) < SAME_NAME)
    .toSorted((a, b) => ratio(a.parameters) - ratio(b.parameters))[0];
  if (known !== undefined) return known;
  const vocabulary = VOCABULARIES.find(([pattern]) => pattern.test(row.note))?.[1];
  const near = catalog.models
    .filter(({ shape }) => vocabulary === undefined || shape === undefined || isLike(shape.vocabulary, vocabulary))
    .filter((model) => (model.modality === 'code' ? 'llm' : model.modality) === modality)
    .filter((model) => ratio(model.parameters) < NEAR && (model.shape?.experts === undefined || MIXTURE.test(row.note)))
    .toSorted((a, b) => ratio(a.parameters) - ratio(b.parameters))[0];
  if (near !== undefined) return near;
  const language = modality === 'llm' || modality === 'multimodal';
  return {
    modality,
    family: named ?? 'typical',
    parameters,
    ...(language && vocabulary !== undefined && { shape: typicalShape(parameters, vocabulary) }),
    ...visionOf(row),
  };
}

function isLike(a: number, b: number): boolean {
  return Math.abs(a / b - 1) < 0.1;
}

/** A vision tower as LLaVA's (CLIP ViT-L/14 at 336 px: 576 tokens), where the catalog has no such model. */
function visionOf({ modality }: PublishedRow): Pick<WorkModel, 'architecture'> {
  if (modality !== 'multimodal') return {};
  return { architecture: { vision: { parameters: 304_000_000, hidden: 1024, layers: 24, tokensPerImage: 576 } } };
}
