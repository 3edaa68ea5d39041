import { describe, expect, it } from 'vitest';
import { pricedPlan } from '../plan/testing.ts';
import { priceRows } from './price.ts';

describe('the rows of a price', () => {
  const { quote } = pricedPlan();

  it('add up in every column', () => {
    expect(priceRows(quote)).toEqual([
      ['compute', '$1.72', '$3.01', '$4.30'],
      ['storage', '$0.10', '$0.10', '$0.10'],
      ['platform fee 10 %', '$0.31', '$0.31', '$0.31'],
      ['total', '$2.13', '$3.42', '$4.71'],
    ]);
    const wide = { ...quote, total: { low: '2.00', expected: '3.42', high: '4.84' } };
    expect(priceRows(wide)[2]).toEqual(['platform fee 10 %', '$0.18', '$0.31', '$0.44']);
  });

  it('know no negative fee', () => {
    expect(priceRows({ ...quote, total: { low: '1.00', expected: '3.42', high: '4.71' } })[2]?.[1]).toBe('$0.00');
  });
});
