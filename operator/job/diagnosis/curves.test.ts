import { describe, expect, it } from 'vitest';
import { brokenRuns, healthyRun, normal, type Run, seeded, symptomsAt } from '../../../test/support/curves.ts';
import { detect } from './detect.ts';
import type { Finding, Symptoms } from './types.ts';

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

/** A run of 6,000 steps that learns in the first thousand, as it is seen from a step on. */
describe('the flat end of a run that learned is no fault', () => {
  const random = seeded(7);
  const losses = Array.from({ length: 6_000 }, (_, step) => 1 + 4 * Math.exp(-step / 200) + 0.05 * normal(random));
  const run: Run = { losses, looks: [], waits: losses.map(() => 0) };
  const codes = (from: number, change: Partial<Symptoms> = {}): string[] => {
    const symptoms = symptomsAt(run, losses.length, change);
    const seen = { ...symptoms, points: symptoms.points.slice(from) };
    return [...detect(seen)].flatMap(([code, verdict]) => (typeof verdict === 'object' ? [code] : []));
  };

  it.each([
    { case: 'of which all is known', from: 0 },
    { case: 'of which only the newest 4,000 points are kept', from: 2_000 },
    { case: 'of which an amendment trains the rest', from: 5_000 },
  ])('in a run $case', ({ from }) => {
    expect(codes(from)).toEqual([]);
  });

  it('nor is it too high, where it is higher in all', () => {
    const higher = symptomsAt(run, losses.length).points.map((point) => ({ ...point, loss: (point.loss ?? 0) + 3 }));
    expect(codes(0, { points: higher.slice(2_000) })).toEqual([]);
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
