import { describe, expect, it } from 'vitest';
import { percentile } from './percentile.ts';

describe('percentile', () => {
  it.each([
    ['the median of an odd count', [3, 1, 2], 0.5, 2],
    ['the lower middle of an even count', [4, 1, 3, 2], 0.5, 2],
    ['the largest of few', [1, 2, 3], 0.99, 3],
    ['one that leaves out the outlier of many', [...Array.from({ length: 199 }, () => 1), 50], 0.99, 1],
    ['the only value', [7], 0.01, 7],
  ])('is %s', (_, values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });

  it('is no number where there is none', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});
