import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOffline } from '../intent/offline/parser.ts';
import { catalog } from '../planner/test-builders.ts';
import { readGold } from './gold.ts';
import { SCORED, scoreIntent } from './intent.ts';

const GOALS = join(import.meta.dirname, '../../test/goals');

describe.each(['dev.jsonl', 'holdout.jsonl'])('the goals of %s', (file) => {
  const { goals, bad } = readGold(readFileSync(join(GOALS, file), 'utf8'));
  const { scores } = scoreIntent(
    goals.map((goal) => ({ goal, reading: readOffline(goal.text, catalog) })),
    catalog.fx.rates,
  );

  it('can all be scored', () => {
    expect(bad).toEqual([]);
    expect(goals.length).toBeGreaterThanOrEqual(60);
  });

  it.each(SCORED)('are read right without a key: %s', (field) => {
    expect(scores[field]).toBeGreaterThanOrEqual(0.95);
  });
});
