import type { Modality } from '@kriptik/crds';
import type { Catalog, ModelSpec, Shape } from '../catalog/catalog.ts';
import type { ConfigAnswer } from './answers.ts';
import type { HubModel } from './facts.ts';

/** Context of a model whose configuration states none, in tokens. */
const USUAL_CONTEXT = 4096;

/** Pipelines of the Hub by modality. */
const PIPELINES: Readonly<Record<string, Modality>> = {
  'text-generation': 'llm',
  'text2text-generation': 'llm',
  'image-text-to-text': 'multimodal',
  'visual-question-answering': 'multimodal',
  'image-to-text': 'multimodal',
  'video-text-to-text': 'multimodal',
  'text-to-image': 'image',
  'image-to-image': 'image',
  'text-to-video': 'video',
  'image-to-video': 'video',
  'automatic-speech-recognition': 'audio',
  'text-to-speech': 'audio',
  'text-to-audio': 'audio',
  'audio-to-audio': 'audio',
};

/**
 * A base model that the catalog does not list, from what the Hub says and its config.json: a row like the catalog's
 * own. `wanted` is the modality of the goal: a language model may serve code. A string says why it cannot be planned.
 */
export function modelSpecFrom(
  facts: HubModel,
  config: ConfigAnswer | undefined,
  catalog: Catalog,
  wanted: Modality,
): ModelSpec | string {
  const modality = modalityOf(facts, config, wanted);
  if (facts.parameters === undefined) {
    return `the Hub does not tell how many parameters ${facts.hub} has, because it holds no safetensors files`;
  }
  const shape = config === undefined ? undefined : shapeOf(config);
  if (shape === undefined && (modality === 'llm' || modality === 'code')) {
    return `config.json of ${facts.hub} does not tell the dimensions that the estimate of memory needs`;
  }
  const [, name = facts.hub] = facts.hub.split('/');
  const slug = name.toLowerCase();
  const text = { ...config, ...config?.text_config };
  const license = facts.license ?? 'unknown';
  return {
    id: catalog.models.some(({ id }) => id === slug) ? facts.hub.toLowerCase().replace('/', '--') : slug,
    title: name,
    family: text.model_type ?? slug,
    variant: /(?:^|[-_.])(?:instruct|chat|it)(?:$|[-_.])/i.test(name) ? 'instruct' : 'base',
    size: String(Number((facts.parameters / 1e9).toFixed(3))),
    hub: facts.hub,
    revision: facts.revision,
    mirrors: [],
    parameters: facts.parameters,
    context: text.max_position_embeddings ?? USUAL_CONTEXT,
    license,
    commercialUse: catalog.licenses.find(({ id }) => id === license)?.commercialUse ?? 'conditional',
    gated: facts.gated,
    languages: languages(facts),
    methods: catalog.models.find((model) => model.modality === modality)?.methods ?? ['lora'],
    modality,
    ...(shape !== undefined && { shape }),
    verified: true,
    source: `https://huggingface.co/${facts.hub}`,
    asOf: facts.verifiedAt.slice(0, 10),
  };
}

function modalityOf({ task = '' }: HubModel, config: ConfigAnswer | undefined, wanted: Modality): Modality {
  if (config?.vision_config !== undefined && config.text_config !== undefined) return 'multimodal';
  const told = PIPELINES[task];
  return told === undefined || (told === 'llm' && wanted === 'code') ? wanted : told;
}

/** Dimensions of a language model from its config.json; undefined where it does not tell them all. */
export function shapeOf(config: ConfigAnswer): Shape | undefined {
  const text = { ...config, ...config.text_config };
  const { hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: heads, vocab_size: vocabulary } = text;
  const experts = text.num_experts ?? text.num_local_experts;
  const feedForward = (experts === undefined ? undefined : text.moe_intermediate_size) ?? text.intermediate_size;
  if (hidden === undefined || layers === undefined || heads === undefined) return undefined;
  if (vocabulary === undefined || feedForward === undefined) return undefined;
  const active = text.num_experts_per_tok;
  return {
    hidden,
    layers,
    heads,
    kvHeads: text.num_key_value_heads ?? heads,
    ...(text.head_dim != null && text.head_dim * heads !== hidden && { headSize: text.head_dim }),
    feedForward,
    // Older designs have two matrices; all that people fine-tune today are gated.
    feedForwardMatrices: ['gpt2', 'gpt_neox', 'bloom', 'falcon', 'phi', 'opt'].includes(text.model_type ?? '') ? 2 : 3,
    vocabulary,
    tiedEmbeddings: text.tie_word_embeddings ?? config.tie_word_embeddings ?? false,
    ...(experts !== undefined && active !== undefined && { experts: { count: experts, active } }),
  };
}

function languages({ languages: told }: HubModel): string[] {
  const codes = told.filter((code) => /^([a-z]{2,3}|multilingual)$/.test(code));
  return codes.length > 0 ? codes : ['en'];
}
