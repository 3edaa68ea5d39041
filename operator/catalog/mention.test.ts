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

  it('keeps several names apart, in order', () => {
    expect(mentionsOf('compare phi-4 with mistral nemo', families).map(({ slug }) => slug)).toEqual([
      'phi-4',
      'mistral-nemo',
    ]);
  });
});
