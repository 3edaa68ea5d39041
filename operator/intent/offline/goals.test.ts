import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../planner/test-builders.ts';
import { readOffline } from './parser.ts';

interface Line {
  readonly id: string;
  readonly split: 'tuning' | 'validation';
  readonly text: string;
  readonly gold: {
    readonly modality: string | null;
    readonly methods_ok: readonly string[];
    readonly must_clarify: boolean;
    readonly refuse: boolean;
    readonly injection: boolean;
    readonly conflict: boolean;
  };
}

const GOALS = join(import.meta.dirname, '../../../test/goals/dev.jsonl');
const lines = readFileSync(GOALS, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Line)
  .map((line) => ({ ...line, draft: readOffline(line.text, catalog) }));

const planable = lines.filter(({ gold }) => !gold.must_clarify && !gold.refuse);
const share = (good: readonly unknown[], all: readonly unknown[]): number => good.length / all.length;

describe('the goals of the project', () => {
  it('are of every kind', () => {
    expect(lines.length).toBeGreaterThan(300);
    for (const flag of ['must_clarify', 'refuse', 'injection', 'conflict'] as const) {
      expect(lines.filter(({ gold }) => gold[flag]).length, flag).toBeGreaterThan(20);
    }
  });

  it('are put to the right kind of model and method', () => {
    expect(
      share(
        planable.filter(({ gold, draft }) => draft.modality === gold.modality),
        planable,
      ),
    ).toBeGreaterThan(0.95);
    expect(
      share(
        planable.filter(({ gold, draft }) => gold.methods_ok.includes(draft.methods[0] ?? '')),
        planable,
      ),
    ).toBeGreaterThan(0.95);
  });

  it.each([
    ['must_clarify', (line: (typeof lines)[number]) => line.draft.questions.length > 0],
    ['refuse', (line: (typeof lines)[number]) => line.draft.refusal !== null],
    ['injection', (line: (typeof lines)[number]) => line.draft.injection],
    ['conflict', (line: (typeof lines)[number]) => line.draft.conflict],
  ] as const)('are flagged with %s where they should be', (flag, got) => {
    const right = lines.filter((line) => got(line) && line.gold[flag]).length;
    const wrong = lines.filter((line) => got(line) !== line.gold[flag]).length;
    expect((2 * right) / (2 * right + wrong)).toBeGreaterThan(0.95);
  });
});
