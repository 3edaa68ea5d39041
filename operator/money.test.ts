import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addMoney,
  costOver,
  formatMoney,
  formatUsd,
  InvalidMoney,
  maxMoney,
  microUsd,
  millisecondsFor,
  minMoney,
  mulRatio,
  parseMoney,
  percentOf,
  subtractMoney,
  zeroMoney,
} from './money.ts';

const amount = fc.integer({ min: 0, max: 999_999_999_999_999 }).map((value) => microUsd(value));
const price = fc.integer({ min: 1, max: 1_000_000_000 }).map((value) => microUsd(value));
const API = /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$/;

describe('parseMoney', () => {
  it.each([
    ['whole dollars', '12', 12_000_000],
    ['cents', '0.30', 300_000],
    ['the smallest amount', '0.000001', 1],
    ['the largest amount', '999999999.999999', 999_999_999_999_999],
    ['an amount that floats get wrong', '0.1', 100_000],
  ])('reads %s', (_name, text, want) => {
    expect(parseMoney(text)).toBe(want);
  });

  it.each(['', '1,50', '-1', '01', '1.', '.5', '1.1234567', '1e3', '$5', '1000000000', ' 1'])(
    'refuses "%s" and names the field',
    (text) => {
      expect(() => parseMoney(text, 'spec.budget.limit')).toThrow(InvalidMoney);
      expect(() => parseMoney(text, 'spec.budget.limit')).toThrow(/^spec\.budget\.limit: /);
    },
  );
});

describe('formatMoney', () => {
  it('gives back every amount it wrote, in the form of the API', () => {
    fc.assert(
      fc.property(amount, (value) => {
        expect(formatMoney(value)).toMatch(API);
        expect(parseMoney(formatMoney(value))).toBe(value);
      }),
    );
  });

  it.each([
    [0, '0.00'],
    [1_200_000, '1.20'],
    [4_200, '0.0042'],
    [1, '0.000001'],
  ])('writes %i micro-dollars as %s', (value, want) => {
    expect(formatMoney(microUsd(value))).toBe(want);
  });

  it('refuses what the API cannot carry', () => {
    expect(() => formatMoney(subtractMoney(zeroMoney, microUsd(1)))).toThrow(InvalidMoney);
    expect(() => formatMoney(microUsd(1_000_000_000_000_000))).toThrow(InvalidMoney);
  });
});

describe('formatUsd', () => {
  it.each([
    [0, '$0.00'],
    [1_200_000, '$1.20'],
    [1_234_567_890, '$1,234.57'],
    [4_200, '$0.0042'],
    [4_237, '$0.0042'],
    [35_665, '$0.036'],
    [99_400, '$0.099'],
    [99_600, '$0.10'],
    [-3_000_000, '-$3.00'],
    [1, '$0.000001'],
  ])('shows %i micro-dollars as %s', (value, want) => {
    expect(formatUsd(microUsd(value))).toBe(want);
  });
});

describe('arithmetic', () => {
  it('stays in whole micro-dollars', () => {
    expect(() => microUsd(0.5)).toThrow(InvalidMoney);
    expect(() => addMoney(microUsd(Number.MAX_SAFE_INTEGER), microUsd(1))).toThrow(InvalidMoney);
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        expect(addMoney(a, b)).toBe(a + b);
        expect(addMoney(subtractMoney(a, b), b)).toBe(a);
        expect([minMoney(a, b), maxMoney(a, b)]).toEqual([Math.min(a, b), Math.max(a, b)]);
      }),
    );
  });

  it('rounds costs up by less than one micro-dollar', () => {
    fc.assert(
      fc.property(price, fc.integer({ min: 0, max: 10_000_000_000 }), (perHour, ms) => {
        const exact = BigInt(perHour) * BigInt(ms);
        const billed = BigInt(costOver(perHour, ms)) * 3_600_000n;
        expect(billed >= exact).toBe(true);
        expect(billed - exact < 3_600_000n).toBe(true);
      }),
    );
  });

  it('never lets money buy more time than it pays for', () => {
    fc.assert(
      fc.property(price, amount, (perHour, budget) => {
        fc.pre(budget < 1_000_000_000_000);
        expect(costOver(perHour, millisecondsFor(budget, perHour))).toBeLessThanOrEqual(budget);
      }),
    );
  });

  it('splits a run into parts that never cost less than the whole', () => {
    fc.assert(
      fc.property(price, fc.nat(1e9), fc.nat(1e9), (perHour, a, b) => {
        expect(addMoney(costOver(perHour, a), costOver(perHour, b))).toBeGreaterThanOrEqual(costOver(perHour, a + b));
      }),
    );
  });

  it('takes the same share of an amount as whole-number arithmetic without bounds, whatever its size', () => {
    const whole = fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 });
    const term = fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 10_000_000_000 }));
    fc.assert(
      fc.property(whole, term, term, (value, part, of) => {
        const exact = BigInt(value) * BigInt(part);
        const isWhole = exact % BigInt(of) === 0n;
        const floor = exact / BigInt(of) - (exact < 0n && !isWhole ? 1n : 0n);
        const ceiling = isWhole ? floor : floor + 1n;
        fc.pre(Number.isSafeInteger(Number(floor)) && Number.isSafeInteger(Number(ceiling)));
        expect(BigInt(mulRatio(microUsd(value), part, of, 'down'))).toBe(floor);
        expect(BigInt(mulRatio(microUsd(value), part, of))).toBe(ceiling);
      }),
    );
  });

  it('rounds ratios as told, also below zero', () => {
    expect(mulRatio(microUsd(10), 1, 3)).toBe(4);
    expect(mulRatio(microUsd(10), 1, 3, 'down')).toBe(3);
    expect(mulRatio(microUsd(-10), 1, 3)).toBe(-3);
    expect(mulRatio(microUsd(-10), 1, 3, 'down')).toBe(-4);
    expect(percentOf(microUsd(101), 10)).toBe(11);
    expect(() => mulRatio(microUsd(1), 1, 0)).toThrow(InvalidMoney);
  });
});
