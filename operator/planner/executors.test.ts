import { describe, expect, it } from 'vitest';
import { canShard, executorProblem } from './executors.ts';
import { catalog } from './test-builders.ts';
import type { Executor } from './types.ts';

const picture: Executor = {
  modality: 'image',
  methods: ['lora'],
  architectures: 'StableDiffusion(XL)?Pipeline|FluxPipeline',
};

const language: Executor = { modality: 'llm', methods: ['lora', 'dpo'], architectures: '.*', sharded: true };

describe('what the trainer of a provider can do', () => {
  const modelOf = (id: string) => {
    const found = catalog.models.find((model) => model.id === id);
    if (found === undefined) throw new Error(`no ${id}`);
    return found;
  };
  const problem = (id: string, method: 'lora' | 'full', executors?: readonly Executor[]) =>
    executorProblem(catalog, modelOf(id), method, { name: 'desk', executors });

  it.each([
    ['nobody told', 'sdxl', 'lora', undefined, undefined],
    ['it takes the class', 'sdxl', 'lora', [picture], undefined],
    ['it has no such method', 'sdxl', 'full', [picture], 'cannot do Full fine-tune for image models'],
    ['it takes other classes', 'sd-3.5-large', 'lora', [picture], 'cannot do LoRA for'],
    ['a class holds another', 'sdxl', 'lora', [{ ...picture, architectures: 'StableDiffusion' }], 'cannot do LoRA for'],
    [
      'packages lack',
      'sdxl',
      'lora',
      [{ ...picture, missing: '--with vision' }],
      'run trainer/install.sh --with vision',
    ],
    ['the pattern is none', 'sdxl', 'lora', [{ ...picture, architectures: '(' }], 'cannot do LoRA for'],
  ] as const)('where %s', (_name, id, method, executors, text) => {
    const found = problem(id, method, executors);
    if (text === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(text);
  });

  it.each([
    ['a language model, where nobody told', 'qwen2.5-7b-instruct', 'lora', undefined, true],
    ['four bits', 'qwen2.5-7b-instruct', 'qlora', undefined, false],
    ['a picture model', 'sdxl', 'lora', undefined, false],
    ['what it says', 'qwen2.5-7b-instruct', 'dpo', [language], true],
    ['a method that it does not', 'qwen2.5-7b-instruct', 'full', [language], false],
    [
      'a class that it does not',
      'qwen2.5-7b-instruct',
      'lora',
      [{ ...language, architectures: 'LlamaForCausalLM' }],
      false,
    ],
    ['where it says nothing of shards', 'qwen2.5-7b-instruct', 'lora', [{ ...language, sharded: false }], false],
    ['where packages lack', 'qwen2.5-7b-instruct', 'lora', [{ ...language, missing: '--with llm' }], false],
  ] as const)('trains on shards or not: %s', (_name, id, method, executors, can) => {
    expect(canShard(catalog, modelOf(id), method, { executors })).toBe(can);
  });
});
