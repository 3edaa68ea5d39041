import fc from 'fast-check';
import { expect, it } from 'vitest';
import { microUsd } from '../money.ts';
import { type ForecastInput, forecastCost } from './forecast.ts';

const input = (change: Partial<ForecastInput> = {}): ForecastInput => ({
  spent: microUsd(1_000_000),
  limit: microUsd(5_000_000),
  rate: microUsd(3_600_000),
  reserve: microUsd(20_000),
  step: 100,
  totalSteps: 300,
  secondsPerStep: 1,
  finishMs: 10_000,
  ...change,
});

it('adds what the remaining steps and the export cost', () => {
  expect(forecastCost(input())).toEqual({ atCompletion: 1_210_000, fits: true, options: [] });
});

it('says early that the money will not do, and what would', () => {
  const forecast = forecastCost(input({ limit: microUsd(1_130_000) }));
  expect(forecast.fits).toBe(false);
  expect(forecast.options).toEqual([
    'raise the budget by $0.16 to finish all 300 steps',
    'train fewer steps: about 200 of 300 fit',
    'choose a cheaper GPU or a smaller model in a new plan',
  ]);
});

it('the raise it names is enough', () => {
  fc.assert(
    fc.property(
      fc.nat(300),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 2_000_000 }),
      (step, slow, limit) => {
        const tight = input({ step, secondsPerStep: slow / 10, limit: microUsd(limit) });
        const forecast = forecastCost(tight);
        if (forecast.fits) return;
        const by = Number(/raise the budget by \$([\d.,]+)/.exec(forecast.options[0] ?? '')?.[1]?.replaceAll(',', ''));
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
