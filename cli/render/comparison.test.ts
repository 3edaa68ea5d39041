import { describe, expect, it } from 'vitest';
import { renderComparison } from './comparison.ts';
import { makeStyle, plainStyle } from './style.ts';
import { displayWidth } from './width.ts';

const comparison = {
  base: 'b',
  tuned: 't',
  results: [
    { prompt: 'How do I pause?', base: 'I like turtles. '.repeat(9), tuned: '微调 answer', expected: 'Press pause' },
    { prompt: 'And then?', base: `sleep-${'wake-'.repeat(60)}`, tuned: 'Resume.', expected: null },
  ],
};

const render = (width: number, style = plainStyle): string[] => renderComparison(comparison, { style, width });

describe('renderComparison', () => {
  it.each([20, 40, 60, 80, 120])('fits a terminal of %d cells, words without an end included', (width) => {
    const lines = render(width);
    expect(lines.filter((line) => displayWidth(line) > width)).toEqual([]);
    const text = lines.join('\n');
    for (const part of ['turtles', '微调', 'Resume.', 'Press']) expect(text).toContain(part);
    expect(text.match(/wake/g)?.length).toBeGreaterThan(40);
  });

  it('heads the two columns once', () => {
    const lines = render(100);
    expect(lines[0]).toMatch(/^ {2}base +│ trained$/);
    expect(lines.filter((line) => /base|trained/.test(line))).toHaveLength(1);
    expect(lines.slice(2, 4)).toEqual([
      '> How do I pause?',
      `  ${'I like turtles. I like turtles. I like turtles.'.padEnd(47)} │ 微调 answer`,
    ]);
  });

  it('names each answer where they stand below each other', () => {
    expect(render(60)).toContain('  trained:  微调 answer');
    expect(render(60)).toContain('  expected: Press pause');
  });

  it('dims what was expected', () => {
    const style = makeStyle({ color: true, unicode: true });
    expect(render(100, style)).toContain(style.dim('  expected: Press pause'));
  });
});
