import type { PaceMark } from '@kriptik/crds';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mark, paceOf } from './pace.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

/** Marks of a first attempt, one every ten steps; how long each stretch took, in seconds. */
const marksOf = (stretches: readonly number[]): readonly PaceMark[] | undefined => {
  let [seconds, marks]: [number, readonly PaceMark[] | undefined] = [
    0,
    mark(undefined, { attempt: 1, step: 0, at: at(0) }),
  ];
  stretches.forEach((stretch, index) => {
    seconds += stretch;
    marks = mark(marks, { attempt: 1, step: 10 * (index + 1), at: at(seconds) });
  });
  return marks;
};

describe('the pace', () => {
  it('is what the trainer says, give or take a quarter, before it was measured', () => {
    expect(paceOf(undefined, 2)).toEqual({ low: 1.6, expected: 2, high: 2.5, stretches: 0 });
    expect(paceOf(marksOf([20, 20]), 2)).toMatchObject({ stretches: 0 });
    expect(paceOf(undefined, null)).toBeUndefined();
  });

  it('counts what lies between steps: a save in one stretch of five is outside the median, inside the band', () => {
    expect(paceOf(marksOf([20, 20, 20, 60, 20]), 2)).toEqual({ low: 2, expected: 2, high: 6, stretches: 5 });
  });

  it('begins anew with each attempt', () => {
    const marks = mark(marksOf([20, 20, 20]), { attempt: 2, step: 15, at: at(500) });
    expect(marks).toHaveLength(1);
  });

  it('is not marked while no step is made, or too soon after the last mark', () => {
    const marks = marksOf([20]);
    expect(mark(marks, { attempt: 1, step: 10, at: at(90) })).toBe(marks);
    expect(mark(marks, { attempt: 1, step: 11, at: at(21) })).toBe(marks);
  });

  it('the band holds the middle, and few marks hold a long run', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 10, max: 500 }), { minLength: 3, maxLength: 200 }), (stretches) => {
        const marks = marksOf(stretches);
        expect(marks?.length).toBeLessThanOrEqual(16);
        const pace = paceOf(marks, null);
        expect(pace?.low).toBeLessThanOrEqual(pace?.expected ?? 0);
        expect(pace?.expected).toBeLessThanOrEqual(pace?.high ?? 0);
        expect(pace?.low).toBeGreaterThanOrEqual(Math.min(...stretches) / 10);
        expect(pace?.high).toBeLessThanOrEqual(Math.max(...stretches) / 10);
      }),
    );
  });
});
