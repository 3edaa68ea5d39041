import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evalEstimates } from '../eval/estimates.ts';
import { estimateMemory, memoryOf } from './memory.ts';
import { catalog, gpu, makeWork, withoutAdapter } from './test-builders.ts';
import { checkpointBytes } from './time.ts';

const table = readFileSync(join(import.meta.dirname, '..', 'catalog', 'data', 'calibration.tsv'), 'utf8');
const measured = evalEstimates(table, catalog).rows.filter(({ quantity }) => quantity.startsWith('memory'));

const GIB = 1024 ** 3;

describe('measured peaks', () => {
  it('are never above the estimate, and at most 30 % below it', () => {
    expect(measured.length).toBeGreaterThan(50);
    expect(measured.filter(({ ratio }) => ratio < 1 || ratio > 1.3)).toEqual([]);
  });

  it.each([
    ['full', 74.26 * GIB],
    ['lora', 27.74 * GIB],
    ['lora', 23.8e9],
    ['qlora', 23.85 * GIB],
    ['qlora', 13.9e9],
    ['lora', 10e9],
    ['lora', 16e9],
    ['voice-clone', 10e9],
  ])('include %s at %d bytes', (method, bytes) => {
    const found = measured.find(
      (row) =>
        row.method === method && Math.abs(row.published * (row.quantity === 'memory_gib' ? GIB : 1e9) - bytes) < 1e6,
    );
    expect(found).toBeDefined();
  });
});

describe('parts', () => {
  it('shrink from full to LoRA to QLoRA', () => {
    const full = estimateMemory(makeWork('qwen2.5-7b-instruct', { method: 'full' })).total;
    const lora = estimateMemory(makeWork('qwen2.5-7b-instruct')).total;
    const qlora = estimateMemory(makeWork('qwen2.5-7b-instruct', { method: 'qlora' })).total;
    expect(full).toBeGreaterThan(lora);
    expect(lora).toBeGreaterThan(qlora);
  });

  it('hold four bytes more of each trained weight where an average is kept, in checkpoints too', () => {
    const work = makeWork('sdxl', { method: 'full' });
    const more = { ...work, average: true };
    const bytes = 4 * work.model.parameters;
    expect(estimateMemory(more).optimizer - estimateMemory(work).optimizer).toBe(bytes);
    expect(checkpointBytes(more) - checkpointBytes(work)).toBe(bytes);
    const adapter = makeWork('sdxl');
    expect(estimateMemory({ ...adapter, average: true }).adapters).toBe((estimateMemory(adapter).adapters * 20) / 16);
  });

  it('hold sixteen bytes a weight of full training, cut over the GPUs', () => {
    const one = estimateMemory(makeWork('llama-3.1-8b-instruct', { method: 'full' }));
    const { parameters } = makeWork('llama-3.1-8b-instruct').model;
    expect((one.weights + one.gradients + one.optimizer) / parameters).toBeCloseTo(16, 1);
    const eight = estimateMemory(
      makeWork('llama-3.1-8b-instruct', { method: 'full', device: gpu('A100-SXM-80GB', 8) }),
    );
    expect(eight.optimizer).toBeCloseTo(one.optimizer / 8, -3);
    const nodes = makeWork('llama-3.1-8b-instruct', { method: 'full', device: gpu('A100-SXM-80GB', 8), nodes: 2 });
    expect(estimateMemory(nodes).optimizer).toBeCloseTo(one.optimizer / 16, -3);
  });

  it('cut all over GPUs, or the base alone, or nothing', () => {
    const on = (sharding: 'full' | 'base' | 'none') =>
      estimateMemory(makeWork('qwen2.5-7b-instruct', { device: gpu('A100-SXM-80GB', 4), sharding }));
    const whole = on('none');
    expect([on('full').weights, on('base').weights]).toEqual([whole.weights / 4, whole.weights / 4]);
    expect([on('full').adapters, on('base').adapters]).toEqual([whole.adapters / 4, whole.adapters]);
    expect(on('base').beside).toBeGreaterThan(whole.beside);
  });

  it('give DPO with adapters no second copy of the model, and without them one', () => {
    const lora = estimateMemory(makeWork('qwen2.5-7b-instruct'));
    const dpo = makeWork('qwen2.5-7b-instruct', { method: 'dpo' });
    expect(estimateMemory(dpo).beside).toBe(0);
    expect(estimateMemory(dpo).weights).toBe(lora.weights);
    expect(estimateMemory(dpo).logits).toBe(2 * lora.logits);
    expect(estimateMemory(withoutAdapter(dpo)).beside).toBe(lora.weights);
  });

  it('give RLHF reference, reward and value model, and the cache of generation', () => {
    const rlhf = estimateMemory(withoutAdapter(makeWork('qwen2.5-1.5b-instruct', { method: 'rlhf' })));
    expect(rlhf.beside).toBeGreaterThanOrEqual(3 * rlhf.weights);
    expect(rlhf.cache).toBeGreaterThan(0);
  });

  it('grow with the rows, and shrink with recomputation', () => {
    const short = estimateMemory(makeWork('qwen2.5-7b-instruct', { maxLength: 512 })).total;
    const long = estimateMemory(makeWork('qwen2.5-7b-instruct', { maxLength: 4096 })).total;
    const kept = estimateMemory(
      makeWork('qwen2.5-7b-instruct', { maxLength: 4096, gradientCheckpointing: false }),
    ).total;
    expect(short).toBeLessThan(long);
    expect(long).toBeLessThan(kept);
  });

  it('move optimizer state and gradients to main memory where that is asked', () => {
    const work = makeWork('llama-3.1-70b-instruct', {
      method: 'full',
      device: gpu('A100-SXM-80GB', 4),
      weightPrecision: 'bf16',
      optimizer: 'adamw-8bit',
      offload: 'optimizer',
    });
    const { optimizer, gradients, host } = estimateMemory(work);
    expect(optimizer + gradients).toBe(0);
    expect(host / work.model.parameters).toBeCloseTo(4.1, 1);
  });

  it('hold the tokens and the tower of pictures', () => {
    const text = estimateMemory(makeWork('llava-1.5-7b', { maxLength: 512 })).total;
    const seen = estimateMemory(makeWork('llava-1.5-7b', { maxLength: 512, imagesPerRow: 1 })).total;
    expect(seen).toBeGreaterThan(text);
  });

  it('hold text encoder and VAE of a picture model only where latents are not cached', () => {
    const cached = estimateMemory(makeWork('flux.1-dev')).total;
    const loaded = estimateMemory(makeWork('flux.1-dev', { cachedLatents: false })).total;
    expect(loaded - cached).toBeGreaterThan(9e9);
  });

  it('keep the text encoder for a word that is learned through it', () => {
    const lora = estimateMemory(makeWork('sdxl'));
    const word = estimateMemory(makeWork('sdxl', { method: 'textual-inversion' }));
    expect(lora.beside).toBe(0);
    expect(word.beside).toBeGreaterThan(1e9);
    expect(word.adapters).toBeLessThan(1e6);
  });

  it('grow with resolution and frames of a video', () => {
    const small = estimateMemory(makeWork('wan2.1-t2v-14b', { resolution: 480, frames: 17 })).total;
    const long = estimateMemory(makeWork('wan2.1-t2v-14b', { resolution: 480, frames: 81 })).total;
    const large = estimateMemory(makeWork('wan2.1-t2v-14b', { resolution: 720, frames: 81 })).total;
    expect(small).toBeLessThan(long);
    expect(long).toBeLessThan(large);
  });
});

describe('what a card offers', () => {
  it.each([
    ['A100-SXM-80GB', 79.2],
    ['RTX-4090-24GB', 23.6],
    ['L4-24GB', 22],
    ['T4-16GB', 14.6],
  ])('%s: %d GiB', (id, gib) => {
    expect((memoryOf(gpu(id)) ?? 0) / GIB).toBeGreaterThan(gib * 0.97);
    expect((memoryOf(gpu(id)) ?? 0) / GIB).toBeLessThan(gib * 1.01);
  });
});
