import { describe, expect, it } from 'vitest';
import { loadCatalog } from './catalog.ts';
import { mentionOf, mentionsOf } from './mention.ts';

const { families } = loadCatalog();

describe('mentionOf', () => {
  it.each([
    ['plain', 'tune Mistral 7B on it', 'mistral-7b'],
    ['glued version', 'qlora for llama3-8b-instruct please', 'llama-3-8b-instruct'],
    ['minor version', 'Llama 3.2 1B', 'llama-3.2-1b'],
    ['a hyphenated version', 'gemma-2-9b-it', 'gemma-2-9b-instruct'],
    ['size before the name', 'a 7B Qwen2.5', 'qwen2.5-7b'],
    ['size in millions', 'SmolLM2-135M-Instruct', 'smollm2-135m-instruct'],
    ['variant before the size', 'Qwen2.5-Coder-Instruct 1.5B', 'qwen2.5-coder-1.5b-instruct'],
    ['Chinese around it', '我想微调Qwen2.5-7B模型', 'qwen2.5-7b'],
    ['the longest name', 'Qwen2-VL 2B', 'qwen2-vl-2b'],
    ['no size', 'whisper for our calls', 'whisper'],
    ['a decimal size', 'TinyLlama-1.1B', 'tinyllama-1.1b'],
    ['a decimal size after a space', 'deepseek coder 6.7b', 'deepseek-coder-6.7b'],
    ['a version with a v', 'stable diffusion v2.1', 'sd-2.1'],
    ['a spaced short name', 'SD XL', 'sdxl'],
    ['a version in words', 'Stable Diffusion 1.5', 'sd-1.5'],
    ['a video version and size', 'wan 2.1 14b', 'wan2.1-14b'],
    ['a brand of two words', 'gpt oss 20b', 'gpt-oss-20b'],
    ['coder in the middle', 'Qwen 2.5 coder 7b', 'qwen2.5-coder-7b'],
    ['a date before the size', 'OLMo-2-1124-7B', 'olmo-2-7b'],
    ['a mixture', 'mixtral-8x7b-instruct-v0.1', 'mixtral-8x7b'],
    ['active weights after the size', 'a 30B-A3B Qwen3', 'qwen3-30b'],
    ['a colon', 'gemma3:4b', 'gemma-3-4b'],
    ['a distilled name', 'DeepSeek-R1-Distill-Qwen-7B', 'deepseek-r1-7b'],
    ['a German connector', '7b modell von mistral', 'mistral-7b'],
    ['a Chinese name', '用通义千问2.5-7B', 'qwen2.5-7b'],
    ['an owner in front', 'meta-llama/Llama-3.2-1B-Instruct', 'llama-3.2-1b-instruct'],
  ])('reads a name with %s', (_name, text, want) => {
    expect(mentionOf(text, families)?.slug).toBe(want);
  });

  it.each(['two gemstones', 'llamas are animals', 'a swan2.1', 'reflux disease', 'gemma 2b'])(
    'does not take "%s" for a versioned family',
    (text) => {
      const id = mentionOf(text, families)?.family.id;
      expect(['gemma-2', 'llama-2', 'wan2.1', 'flux.1', 'qwen2']).not.toContain(id);
    },
  );

  it.each([
    ['whisper-large-v3', 'large-v3'],
    ['whisper-large-v3-turbo', 'large-v3-turbo'],
    ['openai/whisper-small', 'small'],
    ['phi3 mini', 'mini'],
    ['FLUX.1-schnell', 'schnell'],
    ['sd 3.5 medium', 'medium'],
    ['deberta-v3-base', 'v3-base'],
    ['whisper on a small machine', undefined],
    ['llama 3 large', undefined],
  ])('tells the variant of "%s"', (text, want) => {
    expect(mentionOf(text, families)?.variant).toBe(want);
  });

  it.each([
    'influx of goods',
    'kolorsquare',
    'el dia de los muertos',
    'a latte',
    'opt for it',
    'the command returned',
    'Albert went home',
  ])('finds no name in "%s"', (text) => {
    expect(mentionsOf(text, families)).toEqual([]);
  });

  it('takes an owner for no model of its own, and a choice of two for two', () => {
    expect(mentionsOf('meta-llama/Llama-3.1-8B', families)).toHaveLength(1);
    expect(mentionsOf('llama/mistral', families)).toHaveLength(2);
  });

  it('keeps several names apart, in order', () => {
    expect(mentionsOf('compare phi-4 with mistral nemo', families).map(({ slug }) => slug)).toEqual([
      'phi-4',
      'mistral-nemo',
    ]);
  });
});
