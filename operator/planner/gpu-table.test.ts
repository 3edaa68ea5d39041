import { describe, expect, it } from 'vitest';
import { parseGoal } from '../intent/embedded.ts';
import { publishedMarket } from './market.ts';
import { noPolicy } from './policy.ts';
import { recommend } from './recommend.ts';
import { catalog } from './test-builders.ts';
import type { Recommendation } from './types.ts';

/** The plan of a goal as people write it, on the published market. */
function planOf(goal: string, limit: string): Recommendation {
  const reading = parseGoal({
    goal: {
      goal,
      budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 },
      data: [{ uri: 's3://team/training-data' }],
    },
    generation: 1,
    catalog,
  });
  if (reading.outcome !== 'Planned') throw new Error(`${goal}: ${JSON.stringify(reading)}`);
  const plan = recommend({
    contract: reading.contract,
    catalog,
    providers: publishedMarket(catalog),
    policy: noPolicy,
    now: new Date('2026-11-23T00:00:00Z'),
  });
  if ('blocked' in plan) throw new Error(`${goal}: ${plan.blocked.message}`);
  return plan;
}

describe('the recommended GPUs', () => {
  it.each([
    ['7B, QLoRA', 'QLoRA fine-tune of a 7B model on our 8,000 support tickets', '60', 'qlora', 'A100-SXM-40GB', 1],
    ['7B, QLoRA', 'Fine-tune Mistral 7B with QLoRA on 10k customer conversations', '50', 'qlora', 'A100-SXM-40GB', 1],
    ['7B, QLoRA', 'qlora for llama 2 7b on 5000 instruction rows', '50', 'qlora', 'A100-SXM-40GB', 1],
    [
      '70B, full',
      'Full fine-tune of Llama 3 70B on our 20,000 legal question-answer pairs',
      '5000',
      'full',
      'A100-SXM-80GB',
      4,
    ],
    [
      '70B, full',
      'Full parameter fine-tuning of Llama 3.1 70B Instruct with 50k examples',
      '20000',
      'full',
      'A100-SXM-80GB',
      4,
    ],
    ['SDXL, LoRA', 'Train an SDXL LoRA on 40 images of our illustration style', '50', 'lora', 'RTX-4090-24GB', 1],
    ['Wan2.1', 'Train Wan2.1 on 30 short clips of our claymation', '200', 'lora', 'A100-SXM-80GB', 1],
    ['Wan2.1', 'A Wan2.1 14B LoRA from 50 product videos', '300', 'lora', 'A100-SXM-80GB', 1],
    [
      'XTTS, voice clone',
      'Clone my own voice with XTTS from 40 minutes of my recordings',
      '30',
      'voice-clone',
      'RTX-4090-24GB',
      1,
    ],
  ])('%s: "%s"', (_row, goal, limit, method, gpu, count) => {
    const { resolved, quote, tiles } = planOf(goal, limit);
    expect(resolved.method.name).toBe(method);
    expect(resolved.compute).toMatchObject({ gpu, gpuCount: count, nodes: 1 });
    expect(quote.fits).toBe(true);
    expect(tiles[3]?.alternatives.filter(({ available }) => available).length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    'Train a flagship model to generate Suno-quality music with expressive vocals on our 5000 tracks',
    'Flagship-quality assistant for our law firm from 40k question-answer pairs of our cases',
  ])('flagship, in stages: "%s"', (goal) => {
    const { resolved } = planOf(goal, '2000');
    expect(resolved.compute.gpu).toBe('H100-SXM-80GB');
    expect(resolved.stages?.length).toBeGreaterThanOrEqual(3);
    expect(new Set(resolved.stages?.map(({ compute }) => compute.gpu))).toEqual(new Set(['H100-SXM-80GB']));
  });

  it('names cheaper cards with what they save, and takes one when the limit is short', () => {
    const rich = planOf('QLoRA fine-tune of a 7B model on our 8,000 support tickets', '60');
    expect(rich.tiles[3]?.reasons.join(' ')).toMatch(/The cheapest that does the same: \S+, \$\d/);
    const poor = planOf('QLoRA fine-tune of a 7B model on our 8,000 support tickets', '1.70');
    expect(poor.resolved.model.id).toBe(rich.resolved.model.id);
    expect(poor.resolved.compute.gpu).not.toBe('A100-SXM-40GB');
    expect(poor.quote.fits).toBe(true);
  });
});

describe('a base model for the task', () => {
  it.each([
    [
      'speech recognition',
      'Transcribe our medical dictations: 30 hours of audio with transcripts',
      /whisper|parakeet|canary|wav2vec|moonshine/,
    ],
    [
      'text to speech',
      'A text-to-speech voice for our audiobooks from 40 minutes of my own recordings',
      /xtts|chatterbox|f5|orpheus|kokoro|csm|dia|vits|styletts|parler|speecht5|cosyvoice|vibevoice|melotts/,
    ],
    [
      'music',
      'Generate lo-fi music in the style of our 300 own tracks',
      /ace-step|musicgen|yue|stable-audio|songgeneration/,
    ],
    ['code', 'Text-to-SQL for our data warehouse on some 7B coder model', /coder|code/],
    [
      'pictures with questions',
      'Fine-tune a vision-language model on 3000 product photos with questions and answers',
      /vl|llava|vision|smolvlm|gemma-3|internvl|pixtral|paligemma/,
    ],
  ])('%s', (_task, goal, want) => {
    expect(planOf(goal, '100').resolved.model.id).toMatch(want);
  });
});
