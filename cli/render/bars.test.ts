import { describe, expect, it } from 'vitest';
import { budgetBar, progressBar, spendStyle } from './bars.ts';
import { makeStyle, plainStyle } from './style.ts';

const marks = { alertAt: 80, warnAt: 95 };
const ascii = makeStyle({ color: false, unicode: false });

describe('progressBar', () => {
  it.each([
    { fraction: 0, want: '[░░░░░░░░░░]' },
    { fraction: 0.001, want: '[█░░░░░░░░░]' },
    { fraction: 0.5, want: '[█████░░░░░]' },
    { fraction: 0.999, want: '[█████████░]' },
    { fraction: 1, want: '[██████████]' },
    { fraction: 7, want: '[██████████]' },
    { fraction: -1, want: '[░░░░░░░░░░]' },
    { fraction: Number.NaN, want: '[░░░░░░░░░░]' },
  ])('shows $fraction as $want', ({ fraction, want }) => {
    expect(progressBar(fraction, 10, plainStyle)).toBe(want);
  });

  it('does without block characters', () => {
    expect(progressBar(0.25, 8, ascii)).toBe('[##------]');
  });
});

describe('budgetBar', () => {
  it.each([
    { percent: 0, want: '[░░░░░░░░░░░░░░░░┊░░┊]' },
    { percent: 50, want: '[██████████░░░░░░┊░░┊]' },
    { percent: 85, want: '[█████████████████░░┊]' },
    { percent: 100, want: '[████████████████████]' },
    { percent: 120, want: '[████████████████████]' },
  ])('marks the thresholds that lie ahead of $percent %', ({ percent, want }) => {
    expect(budgetBar(percent, marks, 20, plainStyle)).toBe(want);
  });

  it('does without block characters', () => {
    expect(budgetBar(50, marks, 20, ascii)).toBe('[##########------|--|]');
  });

  it('turns yellow at the alert and red at the warning', () => {
    const style = makeStyle({ color: true, unicode: true });
    expect(spendStyle(79, marks, style)('x')).toBe(style.green('x'));
    expect(spendStyle(80, marks, style)('x')).toBe(style.yellow('x'));
    expect(spendStyle(95, marks, style)('x')).toBe(style.red('x'));
  });
});
