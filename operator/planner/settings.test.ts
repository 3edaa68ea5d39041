import { describe, expect, it } from 'vitest';
import { recommend } from './recommend.ts';
import { settingsProblem } from './settings.ts';
import { makeContract, makeInput, planned, rented } from './test-builders.ts';

const ema = { emaDecay: '0.999' };
const looks = { evaluation: { samples: 4, scoreModel: `hf://openai/clip-vit-base-patch32@${'a'.repeat(40)}` } };

describe('settings that a trainer would refuse', () => {
  it.each([
    ['an average of a language model', 'llm', ema, {}, 2, /remove spec.constraints.emaDecay/],
    ['an average of a picture model', 'image', ema, {}, 1, undefined],
    ['samples of text', 'code', looks, {}, 2, /remove spec.constraints.evaluation/],
    ['samples of sound', 'audio', looks, {}, 1, undefined],
    ['KTO of one row at a time', 'llm', {}, { preference: 'kto' }, 1, /batchSize to 2/],
    ['KTO of two', 'llm', {}, { preference: 'kto' }, 2, undefined],
    ['a loss beside ORPO', 'llm', {}, { preference: 'orpo', loss: 'ipo' }, 2, /remove spec.constraints.options.loss/],
    ['a loss of DPO', 'llm', {}, { loss: 'ipo' }, 2, undefined],
  ] as const)('%s', (_name, modality, constraints, options, batchSize, want) => {
    const problem = settingsProblem({ modality, constraints }, options, { batchSize });
    if (want === undefined) expect(problem).toBeUndefined();
    else expect(problem?.text).toMatch(want);
  });

  it('are refused before anybody approves them', () => {
    const result = recommend(makeInput({ contract: makeContract({ constraints: ema }) }));
    expect('blocked' in result && result.blocked.message).toMatch(/moving average/);
  });
});

describe('settings of looks and averages', () => {
  const music = makeContract({
    modality: 'audio',
    capability: 'text-to-music',
    methods: ['lora'],
    goalText: 'Music of our band.',
    constraints: { ...ema, ...looks },
  });
  const providers = [rented('A100-SXM-80GB', '1.49')];

  it('are part of what is approved, and shown', () => {
    const { resolved, tiles } = planned({ contract: music, providers });
    expect(resolved.hyperparameters.emaDecay).toBe('0.999');
    expect(resolved.evaluation).toEqual(looks.evaluation);
    const facts = tiles[1]?.facts?.map(({ label, value }) => `${label}: ${value}`);
    expect(facts).toEqual(expect.arrayContaining(['Moving average: 0.999', 'Samples a look: 4']));
  });
});
