import { describe, expect, it } from 'vitest';
import { readGold } from './gold.ts';

const line = (value: unknown): string => JSON.stringify(value);

describe('a file of goals with their readings', () => {
  it('counts what a reading leaves out as not stated', () => {
    const { goals, bad } = readGold(line({ id: 'a', text: 'Tune it', gold: { modality: 'llm' } }));
    expect(bad).toEqual([]);
    expect(goals[0]?.gold).toMatchObject({ base_model: null, budget_usd: null, conflict: false, methods_ok: [] });
  });

  it('names every line that cannot be scored and keeps the others', () => {
    const text = [
      line({ id: 'a', text: 'x', gold: {} }),
      'not json',
      '',
      line({ id: 'b', gold: {} }),
      line({ id: 'c', text: 'x' }),
      line({ id: 'a', text: 'y', gold: {} }),
      line({ id: 7, text: 'y', gold: { budget_usd: '5' } }),
      line([]),
    ].join('\n');
    const { goals, bad } = readGold(text);
    expect(goals.map(({ id }) => id)).toEqual(['a']);
    expect(bad.map((one) => one.line)).toEqual([2, 4, 5, 6, 7, 8]);
    expect(bad[0]?.problem).toBe('is not JSON');
    expect(bad[1]?.problem).toMatch(/^text: /);
    expect(bad[3]?.problem).toBe('id "a" is that of line 1');
    expect(bad[4]?.problem).toMatch(/^gold\.budget_usd: /);
  });

  it('reads an empty file as no goals', () => {
    expect(readGold('\uFEFF\n\n')).toEqual({ goals: [], bad: [] });
  });
});
