import { expect, it, vi } from 'vitest';
import { clock, textProgress } from './progress.ts';

it.each([
  [0, '0:00'],
  [59_400, '0:59'],
  [330_000, '5:30'],
])('writes %d ms as %s', (milliseconds, want) => {
  expect(clock(milliseconds)).toBe(want);
});

it('adds a line now and then where there is no terminal, and stops when it is over', () => {
  vi.useFakeTimers();
  try {
    const lines: string[] = [];
    const progress = textProgress({ write: (text) => lines.push(text), terminal: false });
    const done = progress.start('building etcd', 0.5);
    vi.advanceTimersByTime(30_000);
    done();
    vi.advanceTimersByTime(120_000);
    expect(lines).toEqual([
      'building etcd: 0:00 of about 0:30\n',
      'building etcd: 0:30 of about 0:30\n',
      'building etcd: took 0:30\n',
    ]);
  } finally {
    vi.useRealTimers();
  }
});
