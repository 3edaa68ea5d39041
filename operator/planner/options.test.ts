import { describe, expect, it } from 'vitest';
import { chooseOptions, type OptionsInput } from './options.ts';
import { catalog, makeContract, planned, rented, workstation } from './test-builders.ts';

const modelOf = (id: string) => {
  const found = catalog.models.find((model) => model.id === id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
};

describe('options of a method', () => {
  const chosen = (id: string, method: OptionsInput['method'], more: Partial<OptionsInput> = {}) =>
    chooseOptions({
      model: modelOf(id),
      method,
      wished: {},
      data: { views: [] },
      maxLength: 256,
      goalText: 'Speak German.',
      ...more,
    });

  it.each([
    ['pairs', 'pairs', 'DPO', {}, undefined],
    ['verdicts, answer by answer', 'judged', 'DPO', {}, 'kto'],
    ['pairs and a goal that names ORPO', 'pairs', 'Run ORPO on them.', {}, 'orpo'],
    ['pairs and a goal that names KTO', 'pairs', 'KTO, please.', {}, 'kto'],
    ['pairs and a goal that sets it', 'pairs', 'Run ORPO on them.', { preference: 'kto' }, 'kto'],
  ] as const)('DPO with %s', (_name, form, goalText, wished, want) => {
    const data = { views: [{ form }] } as unknown as OptionsInput['data'];
    expect(chosen('qwen2.5-7b-instruct', 'dpo', { data, goalText, wished })?.preference).toBe(want);
  });

  it.each([
    ['LoRA of a language model', 'qwen2.5-7b-instruct', 'lora', undefined],
    ['DPO', 'qwen2.5-7b-instruct', 'dpo', { beta: '0.1' }],
    ['RLHF', 'qwen2.5-7b-instruct', 'rlhf', { reward: 'model', algorithm: 'rloo', completions: 4, maxCompletion: 128 }],
    ['pictures', 'sdxl', 'lora', { resolution: 1024 }],
    ['a new word', 'sdxl', 'textual-inversion', { token: '<subject>', resolution: 1024 }],
    ['clips', 'wan2.1-t2v-14b', 'lora', { resolution: 480, frames: 81 }],
    ['a voice', 'xtts-v2', 'voice-clone', { language: 'de' }],
  ] as const)('of %s', (_name, id, method, want) => {
    expect(chosen(id, method)).toEqual(want);
  });

  it('are the goal’s where it sets them', () => {
    expect(chosen('sdxl', 'lora', { wished: { resolution: 512, sampleSteps: 4 } })).toEqual({
      resolution: 512,
      sampleSteps: 4,
    });
    expect(chosen('qwen2.5-7b-instruct', 'rlhf', { wished: { reward: 'exact' } })).toMatchObject({
      reward: 'exact',
      algorithm: 'grpo',
    });
  });

  it('reach plan and price: smaller pictures cost less', () => {
    const goal = (resolution: number) =>
      planned({
        contract: makeContract({
          goalText: 'A style for SDXL',
          modality: 'image',
          capability: 'text-to-image',
          methods: ['lora'],
          model: 'sdxl',
          constraints: { options: { resolution } },
        }),
        providers: [rented('RTX-4090-24GB', '0.50')],
        dataFacts: [],
      });
    const [small, large] = [goal(512), goal(1024)];
    expect(small.resolved.method.options).toEqual({ resolution: 512 });
    expect(Number(small.quote.total.expected)).toBeLessThan(Number(large.quote.total.expected));
  });
});

describe('a processor', () => {
  it('is given LoRA rather than four bits, unless the goal names those', () => {
    const able = { executors: [{ modality: 'llm', methods: ['lora', 'qlora'], architectures: '.*' }] } as const;
    const providers = [workstation(able)];
    expect(planned({ providers }).resolved.method.name).toBe('lora');
    const contract = makeContract({ methods: ['qlora'], methodStated: true });
    expect(planned({ providers, contract }).resolved.method.name).toBe('qlora');
  });
});
