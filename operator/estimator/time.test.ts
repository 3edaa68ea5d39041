import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evalEstimates } from '../eval/estimates.ts';
import { secondsPerStep } from './step.ts';
import { stepsPerEpoch, totalSteps } from './steps.ts';
import { catalog, gpu, makeWork, withoutAdapter } from './test-builders.ts';
import { estimateTime } from './time.ts';
import type { Workload } from './workload.ts';

const published = readFileSync(join(import.meta.dirname, '..', '..', 'test', 'estimates', 'published.tsv'), 'utf8');

describe('published runs as people write them down', () => {
  const scores = evalEstimates(published, catalog);

  it('are read without a complaint, and predicted within 25 % at the median', () => {
    expect(scores.bad).toEqual([]);
    expect(scores.rows.length).toBeGreaterThan(30);
    expect(scores.median).toBeLessThan(0.25);
  });

  it('of language models are within a factor of 1.5', () => {
    const language = scores.rows.filter(({ modality }) => modality === 'llm');
    expect(language.filter(({ ratio }) => ratio < 1 / 1.5 || ratio > 1.5)).toEqual([]);
  });
});

describe('seconds of a step', () => {
  it('fall with a faster card and with more of them', () => {
    const full = (id: string, count: number, nodes = 1): number => {
      const work = makeWork('llama-3.1-8b-instruct', { method: 'full', batchSize: 4, device: gpu(id, count), nodes });
      return secondsPerStep(work, catalog) / (count * nodes);
    };
    expect(full('H100-SXM-80GB', 8)).toBeLessThan(full('A100-SXM-80GB', 8));
    expect(full('A100-SXM-80GB', 8)).toBeLessThan(full('A100-SXM-80GB', 4));
    expect(full('A100-SXM-80GB', 8, 2)).toBeLessThan(full('A100-SXM-80GB', 8));
  });

  it('rise with recomputation, a reference model, unpacked batches and a smaller bus between the GPUs', () => {
    const seconds = (fields: Partial<Workload>): number =>
      secondsPerStep(makeWork('qwen2.5-7b-instruct', fields), catalog);
    expect(seconds({ gradientCheckpointing: false })).toBeLessThan(seconds({}));
    expect(seconds({ method: 'dpo' })).toBeGreaterThan(2 * seconds({}));
    expect(seconds({ batchSize: 4, tokensPerRow: 500, packed: true })).toBeLessThan(
      seconds({ batchSize: 4, tokensPerRow: 500 }),
    );
    expect(seconds({ device: gpu('L40S-48GB', 4), sharding: 'full' })).toBeGreaterThan(
      seconds({ device: gpu('L40S-48GB', 4), sharding: 'none' }),
    );
  });

  it('of QLoRA lose less to unpacking the longer the rows are', () => {
    const slower = (tokensPerRow: number): number =>
      secondsPerStep(makeWork('llama-2-7b-chat', { method: 'qlora', tokensPerRow, maxLength: tokensPerRow }), catalog) /
      secondsPerStep(makeWork('llama-2-7b-chat', { tokensPerRow, maxLength: tokensPerRow }), catalog);
    expect(slower(4096)).toBeLessThan(slower(512));
  });

  it('pay for state in main memory', () => {
    const work = makeWork('llama-3.1-70b-instruct', { method: 'full', device: gpu('A100-SXM-80GB', 4) });
    expect(secondsPerStep({ ...work, offload: 'optimizer' }, catalog)).toBeGreaterThan(
      secondsPerStep(work, catalog) + 5,
    );
  });

  it('of a speech model that is a language model grow with the length of its clips', () => {
    const clip = (clipSeconds: number): number =>
      secondsPerStep(makeWork('orpheus-3b', { clipSeconds, batchSize: 4 }), catalog);
    expect(clip(20)).toBeGreaterThan(1.5 * clip(10));
  });

  it('of a picture model grow with pixels, and of one made for clips with frames', () => {
    const seconds = (id: string, fields: Partial<Workload>): number => secondsPerStep(makeWork(id, fields), catalog);
    expect(seconds('flux.1-dev', { resolution: 1024 })).toBeGreaterThan(
      2.5 * seconds('flux.1-dev', { resolution: 512 }),
    );
    expect(seconds('animatediff-1.5', { frames: 16 })).toBeGreaterThan(2 * seconds('animatediff-1.5', { frames: 2 }));
  });

  it('of RLHF are mostly generation', () => {
    const rlhf = withoutAdapter(makeWork('qwen2.5-1.5b-instruct', { method: 'rlhf' }));
    const full = makeWork('qwen2.5-1.5b-instruct', { method: 'full' });
    expect(secondsPerStep(rlhf, catalog)).toBeGreaterThan(3 * secondsPerStep(full, catalog));
  });

  it('of a small model on two quiet processor cores are two to two and a half', () => {
    const work = makeWork('smollm2-135m-instruct', {
      device: { kind: 'cpu', cores: 2 },
      batchSize: 2,
      tokensPerRow: 63,
      gradientCheckpointing: false,
      rented: false,
    });
    expect(secondsPerStep(work, catalog)).toBeGreaterThan(2);
    expect(secondsPerStep(work, catalog)).toBeLessThan(2.5);
  });
});

describe('phases', () => {
  it('add up to the expected time', () => {
    const { phases, expected } = estimateTime(makeWork('qwen2.5-7b-instruct', { rows: 1000 }), catalog);
    expect(Object.values(phases).reduce((sum, part) => sum + part, 0)).toBeCloseTo(expected, 6);
  });

  it('count provisioning and upload for rented machines only', () => {
    const rented = estimateTime(makeWork('qwen2.5-7b-instruct'), catalog);
    const own = estimateTime(makeWork('qwen2.5-7b-instruct', { rented: false }), catalog);
    expect(rented.phases.provision).toBeGreaterThan(0);
    expect(own.phases.provision).toBe(0);
    expect(own.startSeconds).toBeLessThan(rented.startSeconds);
  });

  it('frame the expected time, wider where runs differ more, and say why', () => {
    const lora = estimateTime(makeWork('qwen2.5-7b-instruct', { steps: 5000 }), catalog);
    const dpo = estimateTime(makeWork('qwen2.5-7b-instruct', { method: 'dpo', steps: 5000 }), catalog);
    expect(lora.low).toBeLessThan(lora.expected);
    expect(lora.expected).toBeLessThan(lora.high);
    expect(dpo.high / dpo.expected).toBeGreaterThan(lora.high / lora.expected);
    expect(lora.widthReason).toMatch(/eight of ten published runs/);
    expect(dpo.widthReason).toMatch(/DPO runs depend on the length of answers/);
  });
});

describe('a run that hardly trains', () => {
  it('is as uncertain as its start and its downloads: half to twice', () => {
    const { low, expected, high } = estimateTime(makeWork('qwen2.5-7b-instruct', { steps: 1 }), catalog);
    expect(low / expected).toBeLessThan(0.55);
    expect(high / expected).toBeGreaterThan(1.9);
  });
});

describe('steps', () => {
  it('count the last, partial batch, and end at maxSteps', () => {
    const input = { rows: 181, batchSize: 2, gradientAccumulation: 4, devices: 1 };
    expect(stepsPerEpoch(input)).toBe(23);
    expect(totalSteps({ ...input, epochs: 3 })).toBe(69);
    expect(totalSteps({ ...input, epochs: 3, maxSteps: 10 })).toBe(10);
  });

  it('never make the run shorter by being more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }), (steps, more) => {
        const of = (count: number): number =>
          estimateTime(makeWork('qwen2.5-7b-instruct', { steps: count }), catalog).expected;
        expect(of(steps + more)).toBeGreaterThan(of(steps));
      }),
      { numRuns: 30 },
    );
  });
});
