import { describe, expect, it } from 'vitest';
import { didYouMean, distance, nearest } from './suggest.ts';

describe('distance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['abc', 'abd', 1],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
  ])('between "%s" and "%s" is %d', (a, b, want) => {
    expect(distance(a, b)).toBe(want);
    expect(distance(b, a)).toBe(want);
  });
});

describe('nearest', () => {
  const known = ['helpdesk', 'support', 'translator', 'helpdesk-2'];

  it('offers slips of the finger and beginnings of names', () => {
    expect(nearest('helpdsek', known)).toEqual(['helpdesk']);
    expect(nearest('trans', known)).toEqual(['translator']);
    expect(nearest('Help', known)).toEqual(['helpdesk', 'helpdesk-2']);
  });

  it('offers nothing far-fetched', () => {
    expect(nearest('zzz', known)).toEqual([]);
    expect(didYouMean('zzz', known)).toBeUndefined();
  });

  it('joins what is near in one question', () => {
    expect(didYouMean('help', known)).toBe('Did you mean "helpdesk" or "helpdesk-2"?');
  });
});
