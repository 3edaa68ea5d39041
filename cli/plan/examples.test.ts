import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@kriptik/operator/runtime/clock.ts';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../exitcodes.ts';
import { runCli } from '../testing.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

interface Seen {
  readonly outcome: string;
  readonly digest: string;
  readonly contract: { readonly modality: string };
  readonly resolved: {
    readonly model: { readonly family: string };
    readonly method: { readonly name: string };
    readonly compute: { readonly provider: string };
    readonly parallelism?: string;
    readonly stages?: readonly { readonly name: string }[];
  };
  readonly quote: { readonly fits: boolean; readonly total: { readonly expected: string } };
}

async function planOf(name: string, ...args: string[]): Promise<Seen> {
  const ran = await runCli(['plan', '--offline', '-o', 'json', '-f', join(EXAMPLES, name, 'goal.yaml'), ...args]);
  expect([ran.code, ran.err]).toEqual([EXIT.ok, '']);
  return JSON.parse(ran.out) as Seen;
}

/** What each example is an example of. Prices are those of the catalog: only their order of magnitude is held. */
const PLANNED: Readonly<
  Record<string, { modality: string; method: string; family: string; provider?: string; least: number; most: number }>
> = {
  'botanical-full': { modality: 'image', method: 'full', family: 'sd-1.5', least: 1, most: 200 },
  'charts-vlm-dpo': { modality: 'multimodal', method: 'dpo', family: 'qwen2-vl', least: 0.5, most: 150 },
  cluster: { modality: 'llm', method: 'lora', family: 'qwen', least: 0.5, most: 60 },
  'code-completion': { modality: 'code', method: 'lora', family: 'qwen', least: 0.5, most: 50 },
  dreambooth: { modality: 'image', method: 'dreambooth', family: 'sdxl', least: 0.1, most: 30 },
  'dreambooth-flux': { modality: 'image', method: 'dreambooth', family: 'flux.1', least: 0.5, most: 60 },
  'flagship-music': { modality: 'audio', method: 'full', family: '', least: 10, most: 2000 },
  'flux-products': { modality: 'image', method: 'lora', family: 'flux.1', least: 0.5, most: 60 },
  'full-finetune': { modality: 'llm', method: 'full', family: 'smollm2', least: 0.1, most: 40 },
  'guide-speecht5': { modality: 'audio', method: 'voice-clone', family: 'speecht5', least: 0.05, most: 20 },
  'llava-questions': { modality: 'multimodal', method: 'qlora', family: 'llava', least: 0.5, most: 80 },
  'maths-rlhf': { modality: 'llm', method: 'rlhf', family: 'qwen', least: 0.5, most: 120 },
  multilingual: { modality: 'llm', method: 'qlora', family: 'qwen', least: 0.5, most: 88 },
  'musicgen-full': { modality: 'audio', method: 'full', family: 'musicgen', least: 0.5, most: 120 },
  'musicgen-loops': { modality: 'audio', method: 'lora', family: 'musicgen', least: 0.05, most: 40 },
  quickstart: { modality: 'llm', method: 'lora', family: 'smollm2', provider: 'local', least: 0.01, most: 1 },
  'sdxl-style': { modality: 'image', method: 'lora', family: 'sdxl', least: 0.1, most: 50 },
  'smolvlm-captions': { modality: 'multimodal', method: 'lora', family: 'smolvlm', least: 0.1, most: 40 },
  'stable-audio-foley': { modality: 'audio', method: 'lora', family: 'stable-audio', least: 0.1, most: 40 },
  'stable-audio-full': { modality: 'audio', method: 'full', family: 'stable-audio', least: 5, most: 400 },
  'support-dpo': { modality: 'llm', method: 'dpo', family: 'qwen', least: 1, most: 90 },
  'support-kto': { modality: 'llm', method: 'dpo', family: 'qwen', least: 0.5, most: 90 },
  'support-orpo': { modality: 'llm', method: 'dpo', family: 'qwen', least: 0.1, most: 60 },
  'text-to-sql': { modality: 'code', method: 'qlora', family: 'qwen', least: 1, most: 60 },
  'textual-inversion': { modality: 'image', method: 'textual-inversion', family: 'sd-1.5', least: 0.05, most: 15 },
  'timetable-speech': { modality: 'audio', method: 'full', family: 'speecht5', least: 0.2, most: 30 },
  'tone-rlhf': { modality: 'llm', method: 'rlhf', family: 'qwen', least: 0.5, most: 150 },
  'two-stages': { modality: 'llm', method: 'dpo', family: 'qwen', least: 0.5, most: 150 },
  'vlm-full': { modality: 'multimodal', method: 'full', family: 'smolvlm', least: 0.2, most: 90 },
  'vlm-invoices': { modality: 'multimodal', method: 'lora', family: 'qwen', least: 1, most: 120 },
  'voice-clone': { modality: 'audio', method: 'voice-clone', family: 'xtts', least: 0.1, most: 25 },
  'wan-full': { modality: 'video', method: 'full', family: 'wan2.1', least: 5, most: 400 },
  'wan-image-to-video': { modality: 'video', method: 'lora', family: 'wan2.1-i2v', least: 5, most: 200 },
  'wan-video': { modality: 'video', method: 'lora', family: 'wan', least: 1, most: 150 },
};

describe('the examples', () => {
  it('are all planned here', () => {
    const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(PLANNED).sort());
  });

  it.each(Object.entries(PLANNED))('%s', async (name, wanted) => {
    const { contract, resolved, quote } = await planOf(name);
    expect(contract.modality).toBe(wanted.modality);
    expect(resolved.method.name).toBe(wanted.method);
    expect(resolved.model.family).toContain(wanted.family);
    if (wanted.provider === undefined) expect(['runpod', 'modal']).toContain(resolved.compute.provider);
    else expect(resolved.compute.provider).toBe(wanted.provider);
    const total = Number(quote.total.expected);
    expect(total).toBeGreaterThan(wanted.least);
    expect(total).toBeLessThan(wanted.most);
    // The quickstart freezes on purpose.
    if (name !== 'quickstart') expect(quote.fits).toBe(true);
  });

  it('train in stages where their words ask for it', async () => {
    const { resolved } = await planOf('two-stages');
    expect(resolved.stages?.map(({ name }) => name)).toEqual(['supervised', 'preference', 'evaluation']);
  });

  it('have the same digest on any day and any machine', async () => {
    const file = join(EXAMPLES, 'text-to-sql', 'goal.yaml');
    const elsewhere = await runCli(['plan', '-o', 'json', '-f', '-'], {
      stdin: readFileSync(file, 'utf8'),
      cwd: '/',
      home: '/nowhere',
      env: { LANG: 'hi_IN.UTF-8', HF_HUB_OFFLINE: '1' },
      clock: { ...systemClock, now: () => Date.parse('2031-05-06T07:08:09Z'), date: () => new Date('2031-05-06') },
    });
    expect((JSON.parse(elsewhere.out) as Seen).digest).toBe((await planOf('text-to-sql')).digest);
  });

  it('keep to the policy beside them', async () => {
    await planOf('support-dpo', '--policy', join(EXAMPLES, 'support-dpo', 'policy.yaml'));
  });

  it('share out a model that no GPU of the nodes holds', async () => {
    const folder = join(EXAMPLES, 'cluster');
    const at = (file: string) => ['-f', join(folder, file), '--provider', join(folder, 'provider.yaml')];
    const ran = await runCli(['plan', '--offline', '-o', 'json', ...at('large.yaml')]);
    const { resolved, quote } = JSON.parse(ran.out) as Seen;
    expect(quote.fits).toBe(true);
    expect([resolved.method.name, resolved.compute.provider, resolved.parallelism]).toEqual([
      'lora',
      'nodes',
      'sharded',
    ]);
    const usual = await runCli(['plan', '--offline', '-o', 'json', ...at('goal.yaml')]);
    expect((JSON.parse(usual.out) as Seen).resolved.parallelism).toBeUndefined();
  });

  it('are priced by the provider beside them', async () => {
    const { resolved } = await planOf('vlm-invoices', '--provider', join(EXAMPLES, 'vlm-invoices', 'provider.yaml'));
    expect(resolved.compute.provider).toBe('agreed');
  });
});

it('a data set that nobody looked at is said to be unverified, outside the digest', async () => {
  const goal = 'QLoRA on Qwen2.5 7B with hf://datasets/acme/no-such-set, under 20 dollars';
  const ran = await runCli(['plan', '--offline', '-o', 'json', goal]);
  expect(ran.code).toBe(EXIT.ok);
  const { warnings, contract, resolved, quote } = JSON.parse(ran.out) as Record<string, unknown>;
  expect(warnings).toContainEqual(expect.stringMatching(/^Not verified today: the Hub is not asked/));
  expect(JSON.stringify([contract, resolved, quote])).not.toContain('Not verified today');
});
