import { describe, expect, it } from 'vitest';
import { age, bytes, duration, hours } from './duration.ts';
import { resample, sparkline } from './sparkline.ts';
import { makeStyle, wantsColor, wantsUnicode } from './style.ts';
import { renderTable } from './table.ts';

describe('sparkline', () => {
  it.each([
    { name: 'a falling loss', values: [8, 7, 6, 5, 4, 3, 2, 1], width: 8, want: '█▇▆▅▄▃▂▁' },
    { name: 'a flat series', values: [2, 2, 2], width: 8, want: '▁▁▁' },
    { name: 'nothing yet', values: [], width: 8, want: '' },
    { name: 'a loss that is not a number', values: [1, Number.NaN, Number.POSITIVE_INFINITY, 2], width: 8, want: '▁█' },
    { name: 'no room', values: [1, 2], width: 0, want: '' },
  ])('draws $name', ({ values, width, want }) => {
    expect(sparkline(values, width)).toBe(want);
  });

  it('shrinks by means, so that a spike is not dropped', () => {
    expect(resample([1, 1, 9, 1], 2)).toEqual([1, 5]);
    expect(sparkline([1, 1, 9, 1], 2)).toBe('▁█');
  });

  it('does without block characters', () => {
    expect(sparkline([0, 1], 2, false)).toBe('_#');
  });
});

describe('duration', () => {
  it.each([
    [0, '0s'],
    [-5, '0s'],
    [59.6, '1m'],
    [61, '1m1s'],
    [3600, '1h'],
    [3661, '1h1m'],
    [90_000, '1d1h'],
    [864_000, '10d'],
  ])('reads %d seconds as %s', (seconds, want) => {
    expect(duration(seconds)).toBe(want);
  });

  it('reads hours of a quote', () => {
    expect(hours('0.10')).toBe('6m');
  });

  it('tells an unknown moment as such', () => {
    expect(age(undefined, 0)).toBe('<unknown>');
    expect(age('not a time', 0)).toBe('<unknown>');
    expect(age('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:01:30Z'))).toBe('1m30s');
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [543_500_000, '518.3 MiB'],
  ])('reads %d bytes as %s', (count, want) => {
    expect(bytes(count)).toBe(want);
  });
});

describe('renderTable', () => {
  it('aligns by cells, leaves no trailing space and shows empty cells', () => {
    const table = renderTable(
      [{ title: 'NAME' }, { title: 'COST', align: 'right' }, { title: 'NOTE' }],
      [
        ['微调', '1.00', ''],
        ['x', '12.50', 'ok'],
      ],
    );
    expect(table).toBe('NAME    COST   NOTE\n微调    1.00   <none>\nx      12.50   ok\n');
  });

  it('wraps the last column to the width of a terminal', () => {
    const rows = [['Frozen', 'the checkpoint of step 14 is saved']];
    expect(renderTable([{ title: 'REASON' }, { title: 'MESSAGE' }], rows, { indent: '  ', width: 36 })).toBe(
      '  REASON   MESSAGE\n  Frozen   the checkpoint of step 14\n           is saved\n',
    );
  });

  it('can leave the header out', () => {
    expect(renderTable([{ title: 'NAME' }], [['a']], { header: false })).toBe('a\n');
  });
});

describe('style', () => {
  it('adds nothing without colour', () => {
    expect(makeStyle({ color: false, unicode: true }).red('x')).toBe('x');
    expect(makeStyle({ color: true, unicode: true }).red('x')).toBe('\u001b[31mx\u001b[39m');
  });

  it.each([
    { name: 'a terminal', isTTY: true, env: {}, want: true },
    { name: 'a pipe', isTTY: false, env: {}, want: false },
    { name: 'NO_COLOR', isTTY: true, env: { NO_COLOR: '1' }, want: false },
    { name: 'an empty NO_COLOR', isTTY: true, env: { NO_COLOR: '' }, want: true },
    { name: 'a dumb terminal', isTTY: true, env: { TERM: 'dumb' }, want: false },
    { name: 'FORCE_COLOR in a pipe', isTTY: false, env: { FORCE_COLOR: '1' }, want: true },
    { name: 'NO_COLOR against FORCE_COLOR', isTTY: false, env: { FORCE_COLOR: '1', NO_COLOR: '1' }, want: false },
  ])('decides on colour for $name', ({ isTTY, env, want }) => {
    expect(wantsColor({ isTTY, env })).toBe(want);
  });

  it.each([
    { env: {}, want: true },
    { env: { LANG: 'C' }, want: false },
    { env: { LANG: 'en_US.UTF-8' }, want: true },
    { env: { LC_ALL: 'C', LANG: 'en_US.UTF-8' }, want: false },
    { env: { TERM: 'linux', LANG: 'en_US.UTF-8' }, want: false },
  ])('decides on block characters for $env', ({ env, want }) => {
    expect(wantsUnicode({ env })).toBe(want);
  });
});
