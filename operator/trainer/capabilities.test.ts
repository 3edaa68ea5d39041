import { describe, expect, it } from 'vitest';
import { capabilities } from './capabilities.ts';

describe('what a trainer says it can do', () => {
  it('is kept as far as this operator plans it', () => {
    const told = {
      trainer: '0.1.0',
      protocol: 1,
      stages: true,
      executors: [
        { modality: 'image', methods: ['lora', 'sorcery'], architectures: 'FluxPipeline', missing: '--with vision' },
        { modality: 'code', methods: ['lora', 'full'], architectures: '.*ForCausalLM', sharded: true },
        { modality: 'smell', methods: ['lora'], architectures: '.*' },
        { modality: 'llm', methods: ['sorcery'], architectures: '.*' },
      ],
    };
    expect(capabilities.parse(told)).toEqual({
      version: '0.1.0',
      stages: true,
      executors: [
        { modality: 'image', methods: ['lora'], architectures: 'FluxPipeline', missing: '--with vision' },
        { modality: 'code', methods: ['lora', 'full'], architectures: '.*ForCausalLM', sharded: true },
      ],
    });
  });
});
