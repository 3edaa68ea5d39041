import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, costOver, microUsd, zeroMoney } from '../money.ts';
import { budgetLevel, deadlinesFor, exhaustionTime, freezeDuration, percentUsed, reserveFor } from './limits.ts';

const money = fc.integer({ min: 1, max: 1_000_000_000 }).map((value) => microUsd(value));
const timings = fc.record({
  checkpointMs: fc.integer({ min: 1, max: 120_000 }),
  stepMs: fc.integer({ min: 0, max: 60_000 }),
  teardownMs: fc.integer({ min: 2_000, max: 60_000 }),
  detectionMs: fc.integer({ min: 1, max: 10_000 }),
});
const NOW = 1_800_000_000_000;

describe('the three lines of defence', () => {
  it('come in order: operator, trainer, provider, end of the money', () => {
    fc.assert(
      fc.property(money, money, timings, (left, rate, times) => {
        const limit = addMoney(left, microUsd(1_000));
        const end = exhaustionTime(limit, microUsd(1_000), rate, NOW);
        const operator = end - freezeDuration(times);
        const lines = deadlinesFor(limit, microUsd(1_000), rate, NOW, times);
        expect(operator).toBeLessThanOrEqual(lines?.trainer ?? 0);
        expect(lines?.trainer ?? 0).toBeLessThanOrEqual(lines?.hard ?? 0);
        expect(lines?.hard ?? 0).toBeLessThanOrEqual(Math.max(NOW, end));
      }),
    );
  });

  it('a trainer that keeps its deadline is saved and gone before the kill, and the kill comes before the money ends', () => {
    const trainer = fc.record({
      stepMs: fc.integer({ min: 0, max: 60_000 }),
      saveMs: fc.integer({ min: 1, max: 120_000 }),
    });
    const change = fc.record({
      after: fc.integer({ min: 0, max: 3_600_000 }),
      limit: fc.integer({ min: 1, max: 1_000_000_000 }),
    });
    fc.assert(
      fc.property(
        money,
        timings,
        trainer,
        fc.array(change, { maxLength: 6 }),
        money,
        (rate, times, pace, changes, first) => {
          let limit = first;
          let now = NOW;
          for (const { after, limit: next } of [{ after: 0, limit: first }, ...changes]) {
            now += after;
            limit = microUsd(next);
            const spent = costOver(rate, now - NOW);
            const lines = deadlinesFor(limit, spent, rate, now, times);
            if (lines === undefined) continue;
            // As the protocol says: it begins no step after which a save would not fit before its deadline.
            const begins = Math.max(now, lines.trainer - pace.stepMs - 1.25 * pace.saveMs - 2_000);
            const saved = Math.min(begins + pace.stepMs + pace.saveMs, Math.max(now, lines.trainer));
            expect(saved).toBeLessThanOrEqual(lines.hard);
            const end = exhaustionTime(limit, spent, rate, now);
            expect(lines.hard).toBeLessThanOrEqual(Math.max(now, end));
            // At the kill no more is spent than the limit, or than a cut found spent already.
            expect(costOver(rate, lines.hard - NOW)).toBeLessThanOrEqual(Math.max(limit, spent));
          }
        },
      ),
    );
  });

  it('an instance that ends at the end of the money has not cost more', () => {
    fc.assert(
      fc.property(money, money, (limit, rate) => {
        const end = exhaustionTime(limit, zeroMoney, rate, NOW);
        expect(costOver(rate, end - NOW)).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('do not move as money is spent', () => {
    const rate = microUsd(3_600_000);
    const times = { checkpointMs: 2_000, stepMs: 500, teardownMs: 4_000, detectionMs: 2_000 };
    const first = deadlinesFor(microUsd(1_000_000), zeroMoney, rate, NOW, times);
    const later = deadlinesFor(microUsd(1_000_000), microUsd(600_000), rate, NOW + 600_000, times);
    expect(later).toEqual(first);
  });

  it.each([
    { case: 'nothing left: at once', spent: 2_000_000, want: { trainer: NOW, hard: NOW } },
    { case: 'overspent: at once', spent: 3_000_000, want: { trainer: NOW, hard: NOW } },
  ])('$case', ({ spent, want }) => {
    const times = { checkpointMs: 1, stepMs: 1, teardownMs: 4_000, detectionMs: 1 };
    expect(deadlinesFor(microUsd(2_000_000), microUsd(spent), microUsd(1_000_000), NOW, times)).toEqual(want);
  });

  it('an instance without a price has none', () => {
    const times = { checkpointMs: 1, stepMs: 1, teardownMs: 1, detectionMs: 1 };
    expect(deadlinesFor(microUsd(1), zeroMoney, zeroMoney, NOW, times)).toBeUndefined();
  });
});

describe('the reserve', () => {
  it('pays for a slow checkpoint, two steps, the end and its detection', () => {
    const times = { checkpointMs: 10_000, stepMs: 1_000, teardownMs: 4_000, detectionMs: 2_000 };
    expect(freezeDuration(times)).toBe(23_000);
    expect(reserveFor(microUsd(3_600_000), times)).toBe(23_000);
  });
});

describe('how near the limit is', () => {
  it.each([
    { case: 'far', spent: 10, reserve: 1, want: 'Ok' },
    { case: 'below the line', spent: 79, reserve: 1, want: 'Ok' },
    { case: 'at the line of alert', spent: 80, reserve: 1, want: 'Alert' },
    { case: 'at the line of warning', spent: 95, reserve: 1, want: 'Warning' },
    { case: 'the reserve reaches the limit', spent: 98, reserve: 2, want: 'Freeze' },
    { case: 'a small budget freezes below the line of alert', spent: 50, reserve: 50, want: 'Freeze' },
  ])('$case is $want', ({ spent, reserve, want }) => {
    expect(budgetLevel(microUsd(spent), microUsd(reserve), microUsd(100), 80, 95)).toBe(want);
  });

  it.each([
    { spent: 0, limit: 100, want: 0 },
    { spent: 999, limit: 1_000, want: 99 },
    { spent: 5, limit: 0, want: 100 },
    { spent: 300, limit: 100, want: 300 },
  ])('$spent of $limit is $want %', ({ spent, limit, want }) => {
    expect(percentUsed(microUsd(spent), microUsd(limit))).toBe(want);
  });
});
