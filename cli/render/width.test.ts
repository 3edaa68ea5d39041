import { describe, expect, it } from 'vitest';
import { displayWidth, padEnd, padStart, printable, truncate, wrap } from './width.ts';

describe('displayWidth', () => {
  it.each([
    { text: '', cells: 0 },
    { text: 'plain', cells: 5 },
    { text: 'naïve', cells: 5 },
    { text: 'e\u0301', cells: 1 },
    { text: '微调', cells: 4 },
    { text: 'ｆｕｌｌ', cells: 8 },
    { text: '한국어', cells: 6 },
    { text: '🙂', cells: 2 },
    { text: '👩‍👩‍👧', cells: 2 },
    { text: '⚠️', cells: 2 },
    { text: '█░┊', cells: 3 },
    { text: '\u001b[31mred\u001b[39m', cells: 3 },
    { text: 'a\u200bb', cells: 2 },
  ])('counts $text as $cells cells', ({ text, cells }) => {
    expect(displayWidth(text)).toBe(cells);
  });
});

describe('padding', () => {
  it('fills up to cells, not characters', () => {
    expect(padEnd('微', 4)).toBe('微  ');
    expect(padStart('微', 4)).toBe('  微');
    expect(padEnd('long', 2)).toBe('long');
  });
});

describe('truncate', () => {
  it.each([
    { text: 'short', width: 5, want: 'short' },
    { text: 'longer', width: 5, want: 'long…' },
    { text: '微调模型', width: 5, want: '微调…' },
    { text: '微调模型', width: 4, want: '微…' },
    { text: '👩‍👩‍👧x👩‍👩‍👧', width: 4, want: '👩‍👩‍👧x…' },
    { text: 'abc', width: 0, want: '' },
  ])('cuts $text to $width cells', ({ text, width, want }) => {
    expect(truncate(text, width)).toBe(want);
    expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
  });
});

describe('wrap', () => {
  it('breaks at spaces and keeps paragraphs', () => {
    expect(wrap('one two three\n\nfour', 8)).toEqual(['one two', 'three', '', 'four']);
  });

  it('leaves a word that is too long alone on its line', () => {
    expect(wrap('a sha256:0123456789 b', 6)).toEqual(['a', 'sha256:0123456789', 'b']);
  });

  it('cuts a word that is too long where it is told to, never inside a cluster', () => {
    expect(wrap('a wake-wake-wake b', 6, { breakWords: true })).toEqual(['a', 'wake-w', 'ake-wa', 'ke b']);
    expect(wrap('微调模型', 5, { breakWords: true })).toEqual(['微调', '模型']);
    expect(wrap('👩‍👩‍👧👩‍👩‍👧', 2, { breakWords: true })).toEqual(['👩‍👩‍👧', '👩‍👩‍👧']);
    expect(wrap('微', 1, { breakWords: true })).toEqual(['微']);
  });

  it('counts wide characters as two', () => {
    expect(wrap('微调 模型', 5)).toEqual(['微调', '模型']);
  });
});

describe('printable', () => {
  it('takes away what could steer a terminal, but keeps line ends', () => {
    expect(printable('a\u001b[2Jb\u0007c\u009bd\ne')).toBe('abcd\ne');
  });

  it('takes away a lone escape character', () => {
    expect(printable('x\u001b]0;title\u0007y')).toBe('x]0;titley');
  });
});
