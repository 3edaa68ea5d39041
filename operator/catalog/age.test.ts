import { describe, expect, it } from 'vitest';
import { ageInDays, isStale } from './age.ts';

const now = new Date('2026-11-23T12:00:00Z');

describe('the age of a price', () => {
  it.each([
    ['today', '2026-11-23', 0, false],
    ['thirty days ago', '2026-10-24', 30, false],
    ['thirty-one days ago', '2026-10-23', 31, true],
    ['a date to come', '2026-12-01', -8, false],
  ])('of %s', (_name, asOf, days, stale) => {
    expect(ageInDays(asOf, now)).toBe(days);
    expect(isStale(asOf, now)).toBe(stale);
  });

  it('counts as old where the date cannot be read', () => {
    expect(isStale('soon', now)).toBe(true);
  });
});
