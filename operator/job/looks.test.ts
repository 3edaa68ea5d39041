import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exhaustionTime, freezeDuration, reserveFor } from '../budget/limits.ts';
import { addMoney, costOver, microUsd } from '../money.ts';
import { Looks } from './looks.ts';
import { defaultJobSettings, settingsFor } from './settings.ts';

const START = Date.parse('2026-11-23T10:00:00Z');
const NEVER = Number.POSITIVE_INFINITY;

/** A look of a job that was to come at `due` and is over at `at`, ms after the start. */
function late(looks: Looks, uid: string, due: number, at: number): void {
  looks.over(uid, START + due - 2_000, { dueAt: START + due, freezeAt: NEVER });
  looks.over(uid, START + at, { dueAt: START + at + 2_000, freezeAt: NEVER });
}

describe('how late a freeze may begin', () => {
  it.each([
    ['nothing was looked at', [], 0],
    [
      'looks come in time, or early because something changed',
      [
        [2_000, 2_100],
        [6_000, 5_000],
      ],
      0,
    ],
    [
      'one look came late, in whole seconds',
      [
        [2_000, 5_200],
        [8_000, 8_100],
      ],
      4_000,
    ],
    ['the operator stood still for an hour: no load does that', [[2_000, 3_602_000]], 30_000],
  ] as const)('where %s', (_case, rows, expected) => {
    const looks = new Looks();
    for (const [due, at] of rows) late(looks, 'a', due, at);
    const now = START + Math.max(0, ...rows.map(([, at]) => at));
    expect(looks.lateness('a', now)).toBe(expected);
  });

  it('forgets what was late two minutes ago', () => {
    const looks = new Looks();
    late(looks, 'a', 2_000, 6_000);
    expect(looks.lateness('a', START + 100_000)).toBe(4_000);
    expect(looks.lateness('a', START + 140_000)).toBe(0);
  });

  it('counts the freezes that are due before it, and no job at rest', () => {
    const looks = new Looks();
    for (let n = 0; n < 1_000; n++) {
      looks.over(`job-${n}`, START, { dueAt: START + 10_000, freezeAt: START + 60_000 + n });
    }
    expect(looks.lateness('job-0', START)).toBe(0);
    expect(looks.lateness('job-999', START)).toBe(25_000);
    looks.over('later', START, { dueAt: START + 10_000, freezeAt: START + 200_000 });
    expect(looks.lateness('later', START)).toBe(0);
    for (let n = 0; n < 999; n++) looks.over(`job-${n}`, START, undefined);
    expect(looks.lateness('job-999', START)).toBe(0);
  });
});

it('a freeze that begins as late as was reckoned with ends within its limit, however slow each part of it is', () => {
  const ms = (most: number) => fc.integer({ min: 0, max: most });
  fc.assert(
    fc.property(
      fc.record({
        rate: fc.integer({ min: 1_000, max: 500_000_000 }),
        spent: fc.integer({ min: 0, max: 1_000_000_000 }),
        running: fc.integer({ min: 1, max: 2_000 }),
        lateMs: ms(30_000),
        checkpointMs: ms(600_000),
        stepMs: ms(60_000),
        teardownMs: fc.integer({ min: 2_000, max: 120_000 }),
        slower: fc.double({ min: 1, max: 1.5, noNaN: true }),
      }),
      ({ rate, spent, running, lateMs, checkpointMs, stepMs, teardownMs, slower }) => {
        const settings = settingsFor(defaultJobSettings, running, lateMs);
        const timings = { checkpointMs, stepMs, teardownMs, detectionMs: settings.pollMs + settings.lateMs };
        const perHour = microUsd(rate);
        const reserve = reserveFor(perHour, timings);
        const limit = microUsd(spent + reserve + 5_000_000);
        const line = exhaustionTime(limit, addMoney(microUsd(spent), reserve), perHour, START);
        const began = line + lateMs;
        const gone = began + checkpointMs * slower + stepMs + teardownMs;
        expect(gone - line).toBeLessThanOrEqual(freezeDuration(timings));
        expect(spent + costOver(perHour, Math.ceil(gone - START))).toBeLessThanOrEqual(limit + 1);
      },
    ),
  );
});
