import { describe, expect, it } from 'vitest';
import { formatMoney, microUsd, parseMoney } from '../money.ts';
import type { Estimate } from './estimate.ts';
import { estimate } from './estimate.ts';
import { totalSteps } from './steps.ts';
import { catalog, gpu, makeWork, withoutAdapter } from './test-builders.ts';
import type { Workload } from './workload.ts';

/** One training run as people size it. */
interface Job {
  readonly work: Omit<Workload, 'steps'>;
  readonly rows: number;
  readonly epochs: number;
  /** List price of one GPU and hour in US dollars. */
  readonly usdPerGpuHour: string;
}

function price({ work, rows, epochs, usdPerGpuHour }: Job): Estimate {
  const count = work.device.kind === 'gpu' ? work.device.count : 1;
  const steps = totalSteps({ ...work, rows, epochs, devices: count });
  const perHour = microUsd(parseMoney(usdPerGpuHour) * count);
  return estimate({ ...work, steps, rows }, perHour, catalog);
}

/** List prices of November 2026, RunPod secure cloud. */
const A100 = '1.79';
const H100 = '3.99';
const RTX_4090 = '0.74';

describe('what typical jobs cost', () => {
  it.each<[string, number, number, Job]>([
    [
      'quick LoRA of 7B: 60,000 rows of 500 tokens, 3 passes, one A100-80GB',
      15,
      30,
      {
        work: makeWork('qwen2.5-7b-instruct', { batchSize: 4, gradientAccumulation: 4, tokensPerRow: 500 }),
        rows: 60_000,
        epochs: 3,
        usdPerGpuHour: A100,
      },
    ],
    [
      'full fine-tune of 7B: 200,000 rows of 700 tokens, 3 passes, 8 A100-80GB',
      100,
      300,
      {
        work: makeWork('qwen2.5-7b-instruct', {
          method: 'full',
          batchSize: 4,
          gradientAccumulation: 2,
          tokensPerRow: 700,
          device: gpu('A100-SXM-80GB', 8),
        }),
        rows: 200_000,
        epochs: 3,
        usdPerGpuHour: A100,
      },
    ],
    [
      'image style: FLUX.1 LoRA at 1024 px, 1,500 pictures, 20 passes, one A100-80GB',
      20,
      50,
      { work: makeWork('flux.1-dev', { resolution: 1024 }), rows: 1500, epochs: 20, usdPerGpuHour: A100 },
    ],
    [
      'voice cloning: XTTS, 15 h of recordings in clips of 11 s, 12 passes, one RTX 4090',
      10,
      25,
      {
        work: withoutAdapter(
          makeWork('xtts-v2', {
            method: 'voice-clone',
            batchSize: 4,
            gradientCheckpointing: false,
            device: gpu('RTX-4090-24GB'),
          }),
        ),
        rows: 4900,
        epochs: 12,
        usdPerGpuHour: RTX_4090,
      },
    ],
    [
      'flagship music: ACE-Step, every weight, 4,000 h of music in clips of 2 min, 10 passes, 8 H100',
      500,
      2000,
      {
        work: makeWork('ace-step-1.5', { method: 'full', batchSize: 2, device: gpu('H100-SXM-80GB', 8) }),
        rows: 120_000,
        epochs: 10,
        usdPerGpuHour: H100,
      },
    ],
  ])('%s: $%i-%i', (_name, low, high, job) => {
    const { cost, fitsMemory } = price(job);
    expect(fitsMemory).toBe(true);
    expect(Number(formatMoney(cost.total.expected))).toBeGreaterThanOrEqual(low);
    expect(Number(formatMoney(cost.total.expected))).toBeLessThanOrEqual(high);
  });

  it('a style of twenty pictures on SDXL costs about a dollar, not the price of a large one', () => {
    const work = makeWork('sdxl', { device: gpu('RTX-4090-24GB'), gradientCheckpointing: false });
    const { cost } = price({ work, rows: 20, epochs: 100, usdPerGpuHour: RTX_4090 });
    expect(Number(formatMoney(cost.total.expected))).toBeLessThan(1.5);
  });
});

describe('cards that hold the work they are recommended for', () => {
  it.each<[string, Workload]>([
    [
      'QLoRA of 7B on one A100-40GB, 4 rows of 2048 tokens at once',
      makeWork('qwen2.5-7b-instruct', { method: 'qlora', batchSize: 4, device: gpu('A100-SXM-40GB') }),
    ],
    [
      'full fine-tune of 70B on 4 A100-80GB, pure bf16 with 8-bit Adam in main memory',
      makeWork('llama-3.1-70b-instruct', {
        method: 'full',
        device: gpu('A100-SXM-80GB', 4),
        weightPrecision: 'bf16',
        optimizer: 'adamw-8bit',
        offload: 'optimizer',
      }),
    ],
    [
      'SDXL LoRA at 1024 px on one RTX 4090',
      makeWork('sdxl', { device: gpu('RTX-4090-24GB'), gradientCheckpointing: false }),
    ],
    [
      'Wan2.1 14B LoRA, 81 frames at 480p, on one A100-80GB',
      makeWork('wan2.1-t2v-14b', { resolution: 480, frames: 81 }),
    ],
    [
      'XTTS voice cloning on one RTX 4090',
      withoutAdapter(makeWork('xtts-v2', { method: 'voice-clone', batchSize: 4, device: gpu('RTX-4090-24GB') })),
    ],
    [
      'ACE-Step, every weight, on one H100',
      makeWork('ace-step-1.5', { method: 'full', batchSize: 2, device: gpu('H100-SXM-80GB') }),
    ],
  ])('%s', (_name, work) => {
    expect(estimate(work, parseMoney('1.00'), catalog).fitsMemory).toBe(true);
  });

  it.each<[string, Workload]>([
    [
      '70B on 4 A100-80GB with mixed precision',
      makeWork('llama-3.1-70b-instruct', { method: 'full', device: gpu('A100-SXM-80GB', 4) }),
    ],
    ['Wan2.1 14B, 81 frames, on one RTX 4090', makeWork('wan2.1-t2v-14b', { device: gpu('RTX-4090-24GB') })],
    ['full fine-tune of 7B on one A100-80GB', makeWork('qwen2.5-7b-instruct', { method: 'full' })],
  ])('not: %s', (_name, work) => {
    expect(estimate(work, parseMoney('1.00'), catalog).fitsMemory).toBe(false);
  });
});
