import { describe, expect, it } from 'vitest';
import { type GoldGoal, readGold } from './gold.ts';
import { type Reading, scoreIntent } from './intent.ts';

const RATES = { USD: '1', EUR: '1.10', INR: '0.012' };

function goal(gold: object, id = 'g'): GoldGoal {
  const [read] = readGold(JSON.stringify({ id, text: `goal ${id}`, gold })).goals;
  if (read === undefined) throw new Error('not a goal');
  return read;
}

function reading(changes: Partial<Reading> = {}): Reading {
  return {
    modality: 'llm',
    methods: ['qlora', 'lora'],
    model: null,
    budget: null,
    questions: [],
    refusal: null,
    injection: false,
    conflict: false,
    ...changes,
  };
}

const question = { field: 'spec.goal', question: 'What?', example: null };

describe('the fields of a reading', () => {
  it.each<[name: string, gold: object, read: Partial<Reading>, misses: string[]]>([
    ['what was expected', { modality: 'llm', methods_ok: ['lora', 'qlora'] }, {}, []],
    ['another modality', { modality: 'code', methods_ok: ['qlora'] }, {}, ['modality']],
    ['a method that is acceptable only second', { modality: 'llm', methods_ok: ['lora'] }, {}, ['method']],
    ['no method at all', { modality: 'llm', methods_ok: ['lora'] }, { methods: [] }, ['method']],
    ['the family in another size', { modality: 'llm', base_model: 'llama-3-8b' }, { model: 'Llama-3-70B' }, []],
    ['another version of it', { modality: 'llm', base_model: 'llama-3-8b' }, { model: 'llama-3.1-8b' }, ['baseModel']],
    ['a model nobody named', { modality: 'llm' }, { model: 'gemma-2-9b' }, ['baseModel']],
    ['a budget to the cent', { modality: 'llm', budget_usd: 100 }, { budget: { amount: '100', currency: 'USD' } }, []],
    ['a budget 2 % off', { modality: 'llm', budget_usd: 100 }, { budget: { amount: '98', currency: 'USD' } }, []],
    [
      'a budget 3 % off',
      { modality: 'llm', budget_usd: 100 },
      { budget: { amount: '97', currency: 'USD' } },
      ['budget'],
    ],
    [
      'a foreign budget at another rate',
      { modality: 'llm', budget_usd: 120, budget_native: { amount: 100, currency: 'EUR' } },
      { budget: { amount: '100', currency: 'eur' } },
      [],
    ],
    [
      'a foreign budget converted',
      { modality: 'llm', budget_usd: 60, budget_native: { amount: 5000, currency: 'INR' } },
      { budget: { amount: '60', currency: 'USD' } },
      [],
    ],
    [
      'a currency without a rate',
      { modality: 'llm', budget_usd: 60 },
      { budget: { amount: '60', currency: 'XYZ' } },
      ['budget'],
    ],
    ['a price taken for a budget', { modality: 'llm' }, { budget: { amount: '5', currency: 'USD' } }, ['budget']],
    ['a budget overlooked', { modality: 'llm', budget_usd: 60 }, {}, ['budget']],
    ['a refusal that came out', { modality: 'llm', refuse: true }, { refusal: 'no', questions: [question] }, []],
    ['a refusal of a harmless goal', { modality: 'llm' }, { refusal: 'no' }, ['refuse']],
    ['modality of a goal to be asked about', { modality: 'audio', must_clarify: true }, { questions: [question] }, []],
    ['a conflict, which always asks', { modality: 'llm', must_clarify: true, conflict: true }, { conflict: true }, []],
    ['a question too many', { modality: 'llm' }, { questions: [question] }, ['mustClarify']],
    ['no modality, which always asks', { must_clarify: true }, { modality: null }, []],
    ['steering overlooked', { modality: 'llm', injection: true }, {}, ['injection']],
  ])('judge %s', (_, gold, read, misses) => {
    const scored = scoreIntent([{ goal: goal(gold), reading: reading(read) }], RATES);
    expect(scored.misses.map(({ field }) => field)).toEqual(misses);
  });
});

describe('the scores', () => {
  it('are shares of the goals that are asked', () => {
    const cases = [
      { goal: goal({ modality: 'llm', methods_ok: ['lora'] }, 'a'), reading: reading({ methods: ['lora'] }) },
      { goal: goal({ modality: 'audio', methods_ok: ['lora'] }, 'b'), reading: reading({ methods: ['lora'] }) },
      { goal: goal({ modality: 'video', must_clarify: true }, 'c'), reading: reading({ questions: [question] }) },
    ];
    expect(scoreIntent(cases, RATES).scores).toMatchObject({ modality: 0.5, method: 1, baseModel: 1, budget: 1 });
  });

  it('give flags as F1', () => {
    const flagged = (expected: boolean, raised: boolean) => ({
      goal: goal({ modality: 'llm', injection: expected }),
      reading: reading({ injection: raised }),
    });
    const cases = [flagged(true, true), flagged(true, true), flagged(true, false), flagged(false, true)];
    // Precision 2/3 and recall 2/3.
    expect(scoreIntent(cases, RATES).scores.injection).toBeCloseTo(2 / 3);
  });

  it('give 1 for a flag that nothing carries and nobody raised, 0 once somebody does', () => {
    const quiet = { goal: goal({ modality: 'llm' }), reading: reading() };
    const loud = { goal: goal({ modality: 'llm' }), reading: reading({ conflict: true }) };
    expect(scoreIntent([quiet], RATES).scores.conflict).toBe(1);
    expect(scoreIntent([loud], RATES).scores.conflict).toBe(0);
  });

  it('come with every miss: which goal, what was expected, what came', () => {
    const cases = [{ goal: goal({ modality: 'code', budget_usd: 20 }, 'h9'), reading: reading() }];
    expect(scoreIntent(cases, RATES).misses).toEqual([
      { id: 'h9', field: 'modality', expected: 'code', got: 'llm', text: 'goal h9' },
      { id: 'h9', field: 'budget', expected: { amount: 20, currency: 'USD' }, got: null, text: 'goal h9' },
    ]);
  });
});
