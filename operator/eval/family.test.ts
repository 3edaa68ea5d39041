import { describe, expect, it } from 'vitest';
import { modelFamily } from './family.ts';

describe('the family of a model name', () => {
  it.each([
    ['leaves out size and -instruct', 'llama-3-8b-instruct', 'llama3'],
    ['keeps the version', 'qwen2.5-0.5b', 'qwen25'],
    ['tells versions apart', 'llama-3.1-8b', 'llama31'],
    ['leaves out the publisher of a Hub name', 'meta-llama/Llama-3.1-8B-Instruct', 'llama31'],
    ['leaves out a vendor written into the name', 'Meta-Llama-3-8B', 'llama3'],
    ['reads a mixture of experts', 'mixtral-8x7b', 'mixtral'],
    ['keeps words that name another model', 'qwen2.5-coder-7b', 'qwen25coder'],
    ['keeps a name without any size', 'flux.1-dev', 'flux1dev'],
    ['leaves a letter and digit that are no size', 'sdxl', 'sdxl'],
  ])('%s', (_, name, family) => {
    expect(modelFamily(name)).toBe(family);
  });
});
