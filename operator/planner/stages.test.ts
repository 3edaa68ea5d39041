import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, parseMoney, zeroMoney } from '../money.ts';
import { publishedMarket } from './market.ts';
import { recommend } from './recommend.ts';
import { catalog, makeContract, makeInput, workstation } from './test-builders.ts';
import type { Recommendation, RecommendInput } from './types.ts';

const providers = publishedMarket(catalog);
const data = [{ uri: 's3://firm/cases', rows: 40_000 }];

function plan(contract: Parameters<typeof makeContract>[0], limit: string, fields: Partial<RecommendInput> = {}) {
  const result = recommend(
    makeInput({ contract: makeContract({ data, ...contract }, limit), providers, dataFacts: [], ...fields }),
  );
  if ('blocked' in result) throw new Error(result.blocked.message);
  return result;
}

const flagship = { quality: 'flagship', capability: 'chat' } as const;
const music = {
  modality: 'audio',
  capability: 'text-to-music',
  quality: 'flagship',
  methods: ['lora', 'full'],
  goalText: 'Suno-quality music with expressive vocals.',
} as const satisfies Partial<ReturnType<typeof makeContract>>;
const names = ({ resolved }: Recommendation) => resolved.stages?.map(({ name }) => name);

describe('stages', () => {
  it('teach answers, then preferences, then judge, for a flagship assistant', () => {
    const made = plan(flagship, '3000.00');
    expect(names(made)).toEqual(['supervised', 'preference', 'evaluation']);
    const [supervised, preference, evaluation] = made.resolved.stages ?? [];
    expect(supervised).toMatchObject({ startsFrom: 'base', purpose: 'supervised' });
    expect(preference).toMatchObject({ startsFrom: 'supervised', method: { name: 'dpo' } });
    expect(preference?.data[0]?.uri).toMatch(/^hf:\/\/datasets\//);
    expect(evaluation).toMatchObject({ startsFrom: 'preference' });
    expect(evaluation).not.toHaveProperty('method');
    expect(made.quote.stages?.[2]?.steps).toBe(0);
  });

  it('tell in the fields of the plan the stage that decides', () => {
    const made = plan(flagship, '3000.00');
    const [deciding] = made.resolved.stages ?? [];
    expect(made.resolved.method).toEqual(deciding?.method);
    expect(made.resolved.hyperparameters).toEqual(deciding?.hyperparameters);
    expect(made.resolved.compute).toEqual(deciding?.compute);
    expect(made.tiles[1]?.title).toMatch(/^3 stages/);
  });

  it('follow the phases that the text asks for, whatever the quality', () => {
    const text =
      'First continued pretraining on our filings, then SFT on the answers, and finally RLHF with a reward model.';
    const made = plan({ goalText: text }, '3000.00');
    expect(names(made)).toEqual(['continued-pretraining', 'supervised', 'reinforcement', 'evaluation']);
    expect(made.resolved.stages?.[2]).toMatchObject({ startsFrom: 'supervised', method: { name: 'rlhf' } });
    expect(plan({ goalText: 'SFT on the answers of our help desk.' }, '3000.00').resolved).not.toHaveProperty('stages');
  });

  it('fit the base, train, and learn vocals, for flagship music', () => {
    const made = plan(music, '2000.00');
    expect(names(made)).toEqual(['adaptation', 'main-training', 'vocals', 'evaluation']);
    expect(made.resolved.stages?.every(({ compute }) => compute.gpu === 'H100-SXM-80GB')).toBe(true);
  });

  it('share one limit: all shortened alike, then left out, then one alone', () => {
    const full = plan(music, '2000.00');
    const whole = Number(full.quote.total.expected);
    const short = plan(music, (whole * 0.75).toFixed(2));
    expect(short.quote.fits).toBe(true);
    expect(names(short)).toEqual(names(full));
    expect(short.quote.steps).toBeLessThan(full.quote.steps);
    for (const stage of short.quote.stages ?? []) expect(stage.name === 'evaluation' || stage.steps >= 40).toBe(true);
    const single = plan(music, '1.50');
    expect(single.resolved).not.toHaveProperty('stages');
    expect(single.tiles[1]?.warnings?.join()).toMatch(/one stage of training: raise the budget/);
  });

  it('keep the steps that the goal fixes, whatever the limit', () => {
    const constraints = { maxSteps: 400 };
    const whole = Number(plan({ ...flagship, constraints }, '3000.00').quote.total.expected);
    for (const part of [1.2, 0.95, 0.9, 0.8, 0.5, 0.2]) {
      const made = plan({ ...flagship, constraints }, (whole * part).toFixed(2));
      expect(made.resolved.hyperparameters.maxSteps).toBe(400);
    }
  });

  it('are not planned where the trainer runs one, and the plan says so', () => {
    const made = plan({ ...flagship, data: [{ uri: 'file:///srv/helpdesk.jsonl' }] }, '25.00', {
      providers: [workstation()],
      dataFacts: [{ uri: 'file:///srv/helpdesk.jsonl', rows: 180, tokensPerRow: 60, longestRow: 110 }],
    });
    expect(made.resolved).not.toHaveProperty('stages');
    expect(made.warnings.join()).toMatch(/workstation runs one stage at a time/);
  });

  it('are planned on this machine where its trainer told that it trains them, each with the rows that are for it', () => {
    const answers = 'file:///srv/answers.jsonl';
    const better = 'file:///srv/better.jsonl';
    const here = { rows: 180, tokensPerRow: 60, longestRow: 110 };
    const machine = (stages: boolean) =>
      workstation({ stages, executors: [{ modality: 'llm', methods: ['lora', 'dpo'], architectures: '.*' }] });
    const told = (stages: boolean) =>
      plan(
        {
          goalText: 'First supervised fine-tuning on the answers, then DPO on the pairs.',
          methods: ['dpo'],
          methodStated: true,
          data: [{ uri: answers }, { uri: better }],
        },
        '250.00',
        {
          providers: [machine(stages)],
          dataFacts: [
            { uri: answers, ...here, columns: ['messages'], preferencePairs: false },
            { uri: better, ...here, columns: ['prompt', 'chosen', 'rejected'], preferencePairs: true },
          ],
        },
      );
    const made = told(true);
    expect(names(made)).toEqual(['supervised', 'preference', 'evaluation']);
    expect(made.resolved.stages?.map(({ data: rows }) => rows.map(({ uri }) => uri))).toEqual([
      [answers],
      [better],
      [better],
    ]);
    expect(made.resolved.method.name).toBe('dpo');
    expect(made.quote.steps).toBe(made.quote.stages?.reduce((steps, stage) => steps + stage.steps, 0));
    const single = told(false);
    expect(single.resolved.data.map(({ uri }) => uri)).toEqual([better]);
  });

  it('are left out on this machine where their rows would come from a Hub that is out of reach', () => {
    const uri = 'file:///srv/answers.jsonl';
    const answers = { uri, rows: 180, tokensPerRow: 20, longestRow: 40, columns: ['messages'], preferencePairs: false };
    const both = [{ modality: 'llm' as const, methods: ['lora' as const, 'dpo' as const], architectures: '.*' }];
    const made = (hubReachable: boolean) =>
      plan({ ...flagship, data: [{ uri }] }, '9000.00', {
        providers: [workstation({ stages: true, executors: both, cpus: 4000, memoryBytes: 4e12 })],
        dataFacts: [answers],
        hubReachable,
      });
    expect(names(made(true))).toContain('preference');
    expect(made(false).resolved).not.toHaveProperty('stages');
  });

  it('cost together what the plan costs, to the micro-dollar, within any limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 300_000 }), fc.constantFrom(flagship, music), (cents, contract) => {
        const { quote } = plan(contract, (cents / 100).toFixed(2));
        const parts = quote.stages ?? [quote];
        const sum = (of: (part: (typeof parts)[number]) => string) =>
          parts.reduce((total, part) => addMoney(total, parseMoney(of(part))), zeroMoney);
        for (const end of ['low', 'expected', 'high'] as const) {
          expect(sum(({ total }) => total[end])).toBe(parseMoney(quote.total[end]));
          expect(sum(({ compute }) => compute[end])).toBe(parseMoney(quote.compute[end]));
        }
        expect(sum(({ storage }) => storage)).toBe(parseMoney(quote.storage));
        expect(sum(({ platformFee }) => platformFee)).toBe(parseMoney(quote.platformFee));
        expect(
          addMoney(parseMoney(quote.compute.expected), parseMoney(quote.storage), parseMoney(quote.platformFee)),
        ).toBe(parseMoney(quote.total.expected));
        expect(parts.reduce((steps, part) => steps + part.steps, 0)).toBe(quote.steps);
        if (quote.stages !== undefined) expect(quote.fits).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
