import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, type MicroUsd, microUsd, zeroMoney } from '../money.ts';
import { billedRate, computeOf, spanCost, spendOf } from './ledger.ts';

const START = 1_800_000_000_000;
const price = fc.integer({ min: 1, max: 100_000_000 }).map((value) => microUsd(value));
const span = fc.record({
  unitPricePerHour: price,
  from: fc.integer({ min: START, max: START + 10_000_000 }),
  length: fc.integer({ min: 0, max: 50_000_000 }),
});
type Span = { unitPricePerHour: MicroUsd; from: number; length: number };
const closed = ({ unitPricePerHour, from, length }: Span) => ({ unitPricePerHour, from, goneAt: from + length });

describe('the cost of a span', () => {
  const rate = microUsd(6_000_000);
  it.each([
    { case: 'an hour costs its price', span: { from: 0, goneAt: 3_600_000 }, now: 9e9, want: 6_000_000 },
    { case: 'an open one counts until now', span: { from: 0 }, now: 1_800_000, want: 3_000_000 },
    { case: 'a closed one stands still', span: { from: 0, goneAt: 1_000 }, now: 9e9, want: 1_667 },
    {
      case: 'a closed one counts up to an earlier moment',
      span: { from: 0, goneAt: 3_600_000 },
      now: 1_000,
      want: 1_667,
    },
    { case: 'a clock that went back costs nothing', span: { from: 5_000 }, now: 1_000, want: 0 },
    { case: 'an end before the beginning costs nothing', span: { from: 5_000, goneAt: 1_000 }, now: 9e9, want: 0 },
    { case: 'a begun micro-dollar counts whole', span: { from: 0, goneAt: 1 }, now: 9e9, want: 2 },
    { case: 'waiting in a queue costs nothing', span: { from: undefined }, now: 9e9, want: 0 },
    { case: 'what left the queue unserved costs nothing', span: { from: undefined, goneAt: 1_000 }, now: 9e9, want: 0 },
  ])('$case', ({ span: one, now, want }) => {
    expect(spanCost({ unitPricePerHour: rate, ...one }, now)).toBe(want);
  });
});

describe('what a job has cost', () => {
  it('adds ten percent to compute and storage', () => {
    const spans = [{ unitPricePerHour: microUsd(1_000_000), from: 0, goneAt: 3_600_000 }];
    const spend = spendOf(computeOf(spans, microUsd(500_000), 3_600_000), microUsd(250_000));
    expect(spend).toEqual({ compute: 1_500_000, storage: 250_000, platformFee: 175_000, total: 1_925_000 });
  });

  it('never falls as time goes on', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 5 }), span, fc.nat(1e7), fc.nat(1e7), (past, open, first, more) => {
        const spans = [...past.map(closed), { ...open, goneAt: undefined }];
        const at = (now: number): number => spendOf(computeOf(spans, zeroMoney, now), zeroMoney).total;
        expect(at(START + first + more)).toBeGreaterThanOrEqual(at(START + first));
      }),
    );
  });

  it('stays the same when closed spans are folded into a sum', () => {
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 8 }), fc.nat(8), (all, split) => {
        const spans = all.map(closed);
        const now = START + 1e9;
        const folded = spans.slice(0, split).reduce((sum, one) => addMoney(sum, spanCost(one, now)), zeroMoney);
        expect(computeOf(spans.slice(split), folded, now)).toEqual(computeOf(spans, zeroMoney, now));
      }),
    );
  });

  it('is never less than the exact price of the time', () => {
    fc.assert(
      fc.property(span, (one) => {
        const exact = BigInt(one.unitPricePerHour) * BigInt(one.length) * 11n;
        const { total } = spendOf(computeOf([closed(one)], zeroMoney, START + 1e9), zeroMoney);
        expect(BigInt(total) * 3_600_000n * 10n >= exact).toBe(true);
      }),
    );
  });

  it('an hour at the billed rate is an hour with its fee', () => {
    fc.assert(
      fc.property(price, (rate) => {
        const hour = [{ unitPricePerHour: rate, from: 0, goneAt: 3_600_000 }];
        expect(spendOf(computeOf(hour, zeroMoney, 3_600_000), zeroMoney).total).toBe(billedRate(rate));
      }),
    );
  });
});
