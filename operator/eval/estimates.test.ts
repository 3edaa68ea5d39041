import { describe, expect, it } from 'vitest';
import { catalog } from '../estimator/test-builders.ts';
import { evalEstimates, quantile } from './estimates.ts';
import { cardOf } from './published/card.ts';
import { hintsOf } from './published/hints.ts';

const HEADER = 'method\tparams_b\tmodality\tgpu\tgpus\tseq_len\tbatch\tquantity\tvalue\tnote';
const table = (...lines: readonly string[]): string => [HEADER, ...lines].join('\n');
const one = (line: string) => evalEstimates(table(line), catalog).rows[0];

describe('a table of published runs', () => {
  it('is scored row by row, with median and p90', () => {
    const { rows, median, p90, bad } = evalEstimates(
      table(
        'full\t6.66\tllm\tA100-80GB\t8\t2048\t6\ttokens_per_s_per_gpu\t4641\tFSDP, no act-ckpt',
        'qlora\t6.74\tllm\tA100-40GB\t1\t2048\t1\ttokens_per_s_per_gpu\t2741\t4-bit r8 bs1 ga4',
      ),
      catalog,
    );
    expect(bad).toEqual([]);
    expect(rows).toHaveLength(2);
    expect(rows[0]?.error).toBeCloseTo(Math.abs((rows[0]?.predicted ?? 0) / 4641 - 1), 10);
    expect(median).toBeLessThanOrEqual(p90);
  });

  it('may leave sequence, batch and GPUs empty, have other columns, blank lines and Windows line ends', () => {
    const text = `\uFEFF${HEADER}\tsource\r\n\r\nlora\t7B\tLLM\tNVIDIA A100 80GB\t\t\t\tsamples_per_s\t~4.3\tQwen\tsomebody\r\n`;
    expect(evalEstimates(text, catalog)).toMatchObject({ bad: [], rows: [{ line: 3, published: 4.3, gpus: 1 }] });
  });

  it.each([
    ['guess\t7\tllm\tA100\t1\t\t\thours\t1\t', 'unknown method "guess"'],
    ['lora\t7\tsmell\tA100\t1\t\t\thours\t1\t', 'unknown modality "smell"'],
    ['lora\t7\tllm\tA100\t1\t\t\tweeks\t1\t', 'unknown quantity "weeks"'],
    ['lora\tmany\tllm\tA100\t1\t\t\thours\t1\t', 'params_b "many" is not a positive number'],
    ['lora\t7\tllm\tA100\t1\t\t\thours\tlong\t', 'value "long" is not a positive number'],
    ['lora\t7\tllm\tA100\tzero\t\t\thours\t1\t', 'gpus "zero" is not a number of GPUs'],
    ['lora\t7\tllm\tabacus\t1\t\t\thours\t1\t', 'unknown gpu "abacus"'],
  ])('names the bad line %s, and reads on', (line, problem) => {
    const good = 'lora\t7\tllm\tA100\t1\t2048\t1\ttokens_per_s_per_gpu\t3000\t';
    const { rows, bad } = evalEstimates(table(line, good), catalog);
    expect(bad).toEqual([{ line: 2, problem: expect.stringContaining(problem) }]);
    expect(rows).toHaveLength(1);
  });

  it('without its columns says which are missing', () => {
    expect(evalEstimates('a\tb\n1\t2\n', catalog).bad[0]?.problem).toMatch(/the header lacks method, params_b/);
    expect(evalEstimates('', catalog)).toMatchObject({ median: 0, rows: [] });
  });
});

describe('any row that can be read', () => {
  it.each(['llm', 'code', 'image', 'video', 'audio', 'multimodal'])(
    'of %s is given a positive figure in every quantity',
    (modality) => {
      for (const quantity of ['tokens_per_s_per_gpu', 'samples_per_s', 'seconds_per_step', 'hours', 'memory_gb']) {
        for (const method of [
          'full',
          'lora',
          'qlora',
          'dpo',
          'rlhf',
          'dreambooth',
          'textual-inversion',
          'voice-clone',
        ]) {
          const row = one(`${method}\t3\t${modality}\tL40S\t2\t\t\t${quantity}\t1\t`);
          expect(row?.predicted).toBeGreaterThan(0);
          expect(Number.isFinite(row?.predicted)).toBe(true);
        }
      }
    },
  );
});

describe('what a note tells', () => {
  it.each([
    ['no act-ckpt', { checkpointing: false }],
    ['FSDP, act-ckpt', { checkpointing: true }],
    ['gradient checkpointing off', { checkpointing: false }],
    ['Unsloth, packing', { stack: 'fused', packed: true }],
    ['FSDP amp_bf16', { stack: 'tuned' }],
    ['4-bit r8 all modules bs1 ga4', { bits: 4, rank: 8, batch: 1, accumulation: 4 }],
    ['8 seqs per iter', { rowsPerStep: 8 }],
    ['FLUX.1 QLoRA, 700 steps, 512x768', { steps: 700, height: 512, width: 768 }],
    ['SDXL LoRA 1024', { height: 1024 }],
    ['I2V LoRA 63 frames, 480p', { frames: 63, height: 480 }],
    ['52,002 samples, 3 epochs', { rows: 52_002, epochs: 3 }],
    ['1.5M pairs', { rows: 1_500_000 }],
    ['100 h of audio', { soundSeconds: 360_000 }],
    ['10-20 min audio', { soundSeconds: 900 }],
    ['27 min audio, 4 epochs', { soundSeconds: 1620, epochs: 4 }],
    ['37 tracks, 29600 steps', { rows: 37, steps: 29_600 }],
    ['2B tokens', { tokens: 2000 }],
  ])('%s', (note, hints) => {
    expect(hintsOf(note)).toMatchObject(hints);
  });
});

describe('names of cards', () => {
  it.each([
    ['A100-80GB', 'A100-SXM-80GB'],
    ['A100 40GB', 'A100-SXM-40GB'],
    ['NVIDIA A100-SXM4-40GB', 'A100-SXM-40GB'],
    ['H100', 'H100-SXM-80GB'],
    ['h100 pcie', 'H100-PCIe-80GB'],
    ['RTX4090', 'RTX-4090-24GB'],
    ['GeForce RTX 3090 Ti', 'RTX-3090-Ti-24GB'],
    ['A6000', 'RTX-A6000-48GB'],
    ['L40S', 'L40S-48GB'],
    ['Tesla T4', 'T4-16GB'],
    ['L4', 'L4-24GB'],
    ['RTX 3060', 'RTX-3060-12GB'],
  ])('%s is %s', (name, id) => {
    expect(cardOf(catalog, name)?.id).toBe(id);
  });
});

describe('a row that leaves its settings open', () => {
  it('is read as one that fits its card', () => {
    const step = (batch: number): number =>
      one(`full\t7\tllm\tA100-80GB\t8\t2048\t${batch}\tseconds_per_step\t9\t`)?.predicted ?? Number.NaN;
    // 128 rows of 2048 tokens do not fit one GPU: they are the rows of all eight.
    expect(step(128) / step(16)).toBeLessThan(1.5);
    expect(step(8) / step(4)).toBeGreaterThan(1.5);
  });
});

describe('runs told in hours', () => {
  it('take longer with more passes, rows and sound', () => {
    const hours = (note: string): number =>
      one(`lora\t7\tllm\tA100-80GB\t1\t2048\t4\thours\t1\t${note}`)?.predicted ?? Number.NaN;
    expect(hours('10k samples, 2 epochs')).toBeGreaterThan(1.8 * hours('10k samples, 1 epoch'));
    expect(hours('20k samples, 1 epoch')).toBeGreaterThan(1.8 * hours('10k samples, 1 epoch'));
    const voice = (note: string): number =>
      one(`voice-clone\t0.47\taudio\tRTX 4090\t1\t\t\thours\t1\t${note}`)?.predicted ?? Number.NaN;
    expect(voice('XTTS, 2 h of audio, 10 epochs')).toBeGreaterThan(1.8 * voice('XTTS, 1 h of audio, 10 epochs'));
  });
});

describe('quantile', () => {
  it.each([
    [[1, 2, 3], 0.5, 2],
    [[1, 2, 3, 4], 0.5, 2.5],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 0.9, 10],
    [[], 0.5, 0],
  ])('of %j at %d is %d', (values, share, expected) => {
    expect(quantile(values, share)).toBeCloseTo(expected, 10);
  });
});
