import { describe, expect, it } from 'vitest';
import { brokenRuns, healthyRun, type Run, symptomsAt } from '../../../test/support/curves.ts';
import { detect } from './detect.ts';
import type { Finding } from './types.ts';

/** Everything found in a run, looked at in so many moments of it. */
function foundIn(run: Run, moments = 25): Map<string, Finding> {
  const found = new Map<string, Finding>();
  for (let moment = 1; moment <= moments; moment++) {
    const step = Math.round((run.losses.length * moment) / moments);
    for (const [code, verdict] of detect(symptomsAt(run, step))) {
      if (verdict !== undefined && verdict !== 'clear' && !found.has(code)) found.set(code, verdict);
    }
  }
  return found;
}

describe('runs that learn', () => {
  it.each(Array.from({ length: 40 }, (_, index) => index + 1))('nothing is found in run %i', (seed) => {
    expect([...foundIn(healthyRun(seed)).keys()]).toEqual([]);
  });
});

describe('runs that go wrong', () => {
  const cases = Object.entries(brokenRuns).flatMap(([code, make]) =>
    [1, 2, 3, 4, 5, 6, 8, 9].map((seed) => ({ code, seed, run: make(seed) })),
  );

  it.each(cases)('$code is found in run $seed, and nothing else', ({ code, run }) => {
    const found = foundIn(run);
    expect([...found.keys()]).toEqual([code]);
    expect(found.get(code)?.evidence.join()).toMatch(/\d/);
  });

  it('a diverged run that comes back is cleared', () => {
    const run = brokenRuns.LossDiverging(3);
    const healed = { ...run, losses: [...run.losses, ...healthyRun(3).losses.slice(-500)] };
    expect(detect(symptomsAt(healed, healed.losses.length)).get('LossDiverging')).toBe('clear');
  });

  it('names the step after which it got worse', () => {
    const run = brokenRuns.Overfitting(2);
    const finding = detect(symptomsAt(run, run.losses.length)).get('Overfitting') as Finding;
    const best = run.looks.reduce((low, look) => (look.loss < low.loss ? look : low));
    expect(finding.message).toContain(`step ${best.step}`);
  });
});

describe('what a figure means depends on what is trained', () => {
  const flat = brokenRuns.NotImproving(1);
  const high = brokenRuns.LossHigh(1);
  const rising = brokenRuns.LossDiverging(1);
  const { plan } = symptomsAt(flat, 1);
  it.each([
    { case: 'the loss of a picture model stays where it is while it learns', run: flat, change: { modality: 'image' } },
    {
      case: 'the loss of preferences is no likelihood',
      run: high,
      change: { plan: { ...plan, method: { name: 'dpo' as const } } },
    },
    { case: 'rewards go up', run: rising, change: { plan: { ...plan, method: { name: 'rlhf' as const } } } },
  ])('$case', ({ run, change }) => {
    const found = [...detect(symptomsAt(run, run.losses.length, change)).values()];
    expect(found.filter((verdict) => verdict !== undefined && verdict !== 'clear')).toEqual([]);
  });
});
