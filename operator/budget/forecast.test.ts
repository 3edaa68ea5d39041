import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, microUsd } from '../money.ts';
import { type ForecastInput, forecastCost } from './forecast.ts';

const pace = (expected: number, spread = 1, stretches = 5) => ({
  low: expected / spread,
  expected,
  high: expected * spread,
  stretches,
});
const input = (change: Partial<ForecastInput> = {}): ForecastInput => ({
  spent: microUsd(1_000_000),
  limit: microUsd(5_000_000),
  rate: microUsd(3_600_000),
  reserve: microUsd(20_000),
  step: 100,
  totalSteps: 300,
  pace: pace(1),
  finishMs: 10_000,
  ...change,
});

describe('cost and time at completion', () => {
  it('add what the remaining steps and the export cost', () => {
    const { cost, seconds, fits, options } = forecastCost(input());
    expect({ cost: cost.expected, seconds: seconds.expected, fits, options }).toEqual({
      cost: 1_210_000,
      seconds: 200,
      fits: true,
      options: [],
    });
  });

  it('come as a band', () => {
    const { cost, seconds } = forecastCost(input({ pace: pace(1, 2) }));
    expect(cost).toEqual({ low: 1_110_000, expected: 1_210_000, high: 1_410_000 });
    expect(seconds).toEqual({ low: 100, expected: 200, high: 400 });
  });
});

describe('a budget that will not do', () => {
  it('is told with what can be done, each with its price', () => {
    const others = [
      { title: 'A10G', planned: microUsd(500_000), plannedChosen: microUsd(1_000_000) },
      { title: 'H100', planned: microUsd(2_000_000), plannedChosen: microUsd(1_000_000) },
    ];
    const forecast = forecastCost(input({ limit: microUsd(1_130_000), epochs: 3, others }));
    expect(forecast.fits).toBe(false);
    expect(forecast.options).toEqual([
      'raise the budget by $0.17 to finish all 300 steps for $1.21',
      'train fewer steps: about 200 of 300 fit, for $1.11 (2 of 3 epochs)',
      'use A10G in a new plan: the rest for about $0.11 instead of $0.21',
      'choose a smaller model in a new plan',
    ]);
  });

  it('is not told on a first impression, unless even the fastest would not do', () => {
    const tight = { limit: microUsd(1_200_000), pace: pace(1, 1.25, 0) };
    expect(forecastCost(input(tight)).fits).toBe(true);
    expect(forecastCost(input({ ...tight, limit: microUsd(1_180_000) })).fits).toBe(false);
  });

  it('does not change its mind with each step, but does at once with another limit', () => {
    const near = input({ limit: microUsd(1_240_000) });
    const tight = { fits: false, limit: near.limit };
    expect(forecastCost(near).fits).toBe(true);
    expect(forecastCost({ ...near, before: tight }).fits).toBe(false);
    expect(forecastCost({ ...near, before: { ...tight, limit: microUsd(1_000_000) } }).fits).toBe(true);
    expect(forecastCost({ ...near, before: tight, pace: pace(0.7) }).fits).toBe(true);
  });

  it('the raise it names is enough', () => {
    fc.assert(
      fc.property(
        fc.nat(300),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 2_000_000 }),
        (step, slow, limit) => {
          const tight = input({ step, pace: pace(slow / 10), limit: microUsd(limit) });
          const forecast = forecastCost(tight);
          if (forecast.fits) return;
          const by = Number(
            /raise the budget by \$([\d.,]+)/.exec(forecast.options[0] ?? '')?.[1]?.replaceAll(',', ''),
          );
          expect(forecastCost({ ...tight, limit: microUsd(limit + Math.round(by * 1e6)) }).fits).toBe(true);
        },
      ),
    );
  });

  it('never offers more steps than there are, nor fewer than were trained', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.integer({ min: 1, max: 2_000_000 }), (step, limit) => {
        const [, fewer] = forecastCost(input({ step, limit: microUsd(limit) })).options;
        if (fewer === undefined) return;
        const steps = Number(/about (\d+) of/.exec(fewer)?.[1]);
        expect(steps).toBeGreaterThanOrEqual(step);
        expect(steps).toBeLessThanOrEqual(300);
      }),
    );
  });

  it('what is spent is never in doubt: no forecast lies below it', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.integer({ min: 0, max: 9_000_000 }), (step, spent) => {
        const { cost } = forecastCost(input({ step, spent: microUsd(spent) }));
        expect(cost.low).toBeGreaterThanOrEqual(addMoney(microUsd(spent)));
      }),
    );
  });
});
