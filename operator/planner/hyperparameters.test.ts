import { describe, expect, it } from 'vitest';
import { findGpu, findModel } from '../catalog/lookup.ts';
import { parseDurationHours } from './duration.ts';
import { chooseHyperparameters, chooseLora, type RuleInput } from './hyperparameters.ts';
import { gpuMatches } from './problems.ts';
import { catalog } from './test-builders.ts';

function makeRule(fields: Partial<RuleInput> & { id?: string; card?: string } = {}): RuleInput {
  const { id = 'qwen2.5-7b-instruct', card = 'A100-SXM-80GB', ...rest } = fields;
  const model = findModel(catalog, id);
  const spec = findGpu(catalog, card);
  if (model === undefined || spec === undefined) throw new Error(`no ${id} or ${card}`);
  return {
    model,
    modality: 'llm',
    method: 'lora',
    quality: 'standard',
    device: { kind: 'gpu', spec, count: 1 },
    rows: 5000,
    constraints: {},
    ...rest,
  };
}

const rate = (fields: Parameters<typeof makeRule>[0]): number =>
  Number(chooseHyperparameters(makeRule(fields)).learningRate);

describe('chooseHyperparameters', () => {
  it('learns slower with larger models, and much slower with all weights or preferences', () => {
    expect(rate({ id: 'smollm2-135m-instruct' })).toBeGreaterThan(rate({ id: 'qwen2.5-7b-instruct' }));
    expect(rate({ id: 'qwen2.5-7b-instruct' })).toBeGreaterThan(rate({ id: 'qwen2.5-72b-instruct' }));
    expect(rate({})).toBeGreaterThan(rate({ method: 'full' }));
    expect(rate({ method: 'full' })).toBeGreaterThan(rate({ method: 'rlhf' }));
  });

  it('takes warm-up, batch and gradient checkpointing as they are wished', () => {
    const wished = { warmupRatio: '0.2', gradientCheckpointing: false, gradientAccumulation: 5 };
    const chosen = chooseHyperparameters(makeRule({ constraints: wished }));
    expect(chosen).toMatchObject({ ...wished, batchSize: chooseHyperparameters(makeRule()).batchSize });
    const whole = chooseHyperparameters(makeRule({ constraints: { ...wished, batchSize: 3 } }));
    expect(whole).toMatchObject({ batchSize: 3, gradientAccumulation: 5 });
  });

  it('passes more often over fewer rows', () => {
    const epochs = [200, 5000, 50_000, 500_000].map((rows) => chooseHyperparameters(makeRule({ rows })).epochs);
    expect(epochs).toEqual([4, 3, 2, 1]);
  });

  it('passes many times over music, and counts steps for few pictures', () => {
    const music = { id: 'ace-step-1.5', modality: 'audio', rows: 300 } as const;
    expect(chooseHyperparameters(makeRule(music)).epochs).toBe(10);
    expect(chooseHyperparameters(makeRule({ ...music, quality: 'flagship' })).epochs).toBe(30);
    const pictures = chooseHyperparameters(makeRule({ id: 'sdxl', modality: 'image', rows: 15 }));
    expect(pictures).toMatchObject({ maxSteps: 1500 });
    expect(pictures).not.toHaveProperty('epochs');
  });

  it('saves memory where plain optimizer state would not fit, and only there', () => {
    const of = (id: string) => chooseHyperparameters(makeRule({ id, method: 'full' }));
    expect(of('llama-3-70b-instruct')).toMatchObject({ optimizer: 'adamw-8bit', weightPrecision: 'bf16' });
    expect(of('qwen2.5-7b-instruct')).not.toHaveProperty('optimizer');
  });

  it('takes several pictures to an update where there are many, and one where there are few', () => {
    const of = (rows: number, count = 1) => {
      const { device } = makeRule();
      if (device.kind !== 'gpu') throw new Error('the rule is for a card');
      const some = { id: 'sdxl', modality: 'image', rows, device: { ...device, count } } as const;
      return chooseHyperparameters(makeRule(some));
    };
    expect(of(40)).toMatchObject({ batchSize: 1, gradientAccumulation: 1 });
    expect(of(50_000)).toMatchObject({ batchSize: 1, gradientAccumulation: 16 });
    expect(of(50_000, 4)).toMatchObject({ batchSize: 1, gradientAccumulation: 4 });
  });

  it('counts steps on a processor, and trains in fp32 there', () => {
    const chosen = chooseHyperparameters(
      makeRule({ id: 'smollm2-135m-instruct', device: { kind: 'cpu', cores: 2 }, rows: 180 }),
    );
    expect(chosen).toMatchObject({ maxSteps: 80, batchSize: 2, precision: 'fp32', gradientCheckpointing: false });
  });

  it('lets every constraint win', () => {
    const constraints = {
      epochs: 9,
      learningRate: '0.5',
      batchSize: 3,
      maxLength: 99,
      seed: 1,
      checkpointEverySteps: 5,
    };
    expect(chooseHyperparameters(makeRule({ constraints }))).toMatchObject(constraints);
    expect(chooseHyperparameters(makeRule({ constraints: { maxSteps: 12 } }))).not.toHaveProperty('epochs');
  });

  it('keeps rows whole where their length is known, within the context', () => {
    expect(chooseHyperparameters(makeRule({ longestRow: 110 })).maxLength).toBe(128);
    expect(chooseHyperparameters(makeRule({ longestRow: 90_000 })).maxLength).toBe(2048);
    expect(
      chooseHyperparameters(makeRule({ id: 'tinyllama-1.1b-chat', constraints: { maxLength: 9000 } })).maxLength,
    ).toBe(2048);
  });

  it('uses fp16 where the card has no bf16', () => {
    expect(chooseHyperparameters(makeRule({ card: 'T4-16GB' })).precision).toBe('fp16');
  });

  it('widens adapters with the data, and gives none to full training', () => {
    expect(chooseLora(makeRule({ rows: 100 }))).toMatchObject({ r: 16, alpha: 32, dropout: '0.05' });
    expect(chooseLora(makeRule({ rows: 20_000 }))).toMatchObject({ r: 32, alpha: 64, dropout: '0' });
    expect(chooseLora(makeRule({ method: 'full' }))).toBeUndefined();
  });
});

describe('small readers', () => {
  it.each([
    ['12h', 12],
    ['90m', 1.5],
    ['1h30m', 1.5],
    ['2d', 48],
    ['soon', undefined],
  ])('reads the duration %s', (text, want) => {
    expect(parseDurationHours(text)).toBe(want);
  });

  it.each([
    ['H100', 'H100-PCIe-80GB', true],
    ['A100-80GB', 'A100-SXM-80GB', true],
    ['A100-80GB', 'A100-SXM-40GB', false],
    ['L4', 'L40S-48GB', false],
    ['cpu', 'cpu', true],
  ])('sees whether %s stands for %s', (wanted, gpu, want) => {
    expect(gpuMatches(wanted, gpu)).toBe(want);
  });
});
