import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, type MicroUsd, microUsd, subtractMoney, zeroMoney } from '../money.ts';
import { spendOf } from './ledger.ts';
import { foldMeter, holdFor, type Meter, meterAt, readMeter, storageCost } from './storage.ts';

const GIB = 2 ** 30;
const DAY = 86_400_000;
const START = Date.parse('2026-11-20T00:00:00Z');
const price = fc.integer({ min: 1, max: 1_000_000 }).map((value) => microUsd(value));
const bytes = fc.integer({ min: 0, max: 2 ** 43 });

/** Looks of an operator: sizes seen after so many ms, in order. */
const looks = fc.array(fc.record({ after: fc.integer({ min: 0, max: 20 * DAY }), bytes }), {
  minLength: 1,
  maxLength: 8,
});

function metered(
  cents: MicroUsd,
  seen: readonly { after: number; bytes: number }[],
): { meter: Meter | undefined; now: number } {
  let meter: Meter | undefined;
  let now = START;
  for (const look of seen) {
    now += look.after;
    meter = readMeter(meter, { bytes: look.bytes, price: cents }, now);
  }
  return { meter, now };
}

describe('storage', () => {
  it('a GiB for 30 days costs its price', () => {
    expect(storageCost(GIB, microUsd(23_000), 30 * DAY)).toBe(23_000);
  });

  it('rounds a begun micro-dollar up, and nothing stays nothing', () => {
    expect(storageCost(1, microUsd(1), 1)).toBe(1);
    expect(storageCost(0, microUsd(1), DAY)).toBe(0);
  });
});

describe('the meter', () => {
  it('is not begun while nothing is kept, or where keeping costs nothing', () => {
    expect(readMeter(undefined, { bytes: 0, price: microUsd(23_000) }, START)).toBeUndefined();
    expect(readMeter(undefined, { bytes: GIB, price: zeroMoney }, START)).toBeUndefined();
  });

  it('is the very same where nothing changed: at rest there is nothing to write', () => {
    const { meter } = metered(microUsd(23_000), [{ after: 0, bytes: GIB }]);
    expect(readMeter(meter, { bytes: GIB, price: microUsd(23_000) }, START + 400 * DAY)).toBe(meter);
  });

  it('counts the larger size for the time in which it grew', () => {
    const { meter } = metered(microUsd(23_000), [
      { after: 0, bytes: 1 },
      { after: 30 * DAY, bytes: GIB },
    ]);
    expect(meter).toMatchObject({ bytes: GIB, since: START + 30 * DAY, accrued: 23_000 });
  });

  it('never becomes less, whatever is stored, whenever it is looked at, whichever way the clock jumps', () => {
    const jump = fc.integer({ min: -5 * DAY, max: 20 * DAY });
    fc.assert(
      fc.property(price, fc.array(fc.tuple(jump, bytes), { maxLength: 12 }), (cents, seen) => {
        let [meter, now, clock, told]: [Meter | undefined, number, number, number] = [undefined, START, START, 0];
        for (const [after, size] of seen) {
          clock += after;
          now = Math.max(now, clock);
          meter = readMeter(meter, { bytes: size, price: cents }, now);
          const cost = meter === undefined ? 0 : meterAt(meter, now);
          expect(cost).toBeGreaterThanOrEqual(told);
          told = cost;
        }
      }),
    );
  });

  it('months add up to the whole, to the micro-dollar', () => {
    fc.assert(
      fc.property(price, looks, fc.nat(90 * DAY), (cents, seen, rest) => {
        const { meter, now } = metered(cents, seen);
        if (meter === undefined) return;
        const end = now + rest;
        const folded = foldMeter(meter, end);
        expect(folded.accrued).toBe(meterAt(meter, end));
        expect(addMoney(zeroMoney, ...folded.months.map(({ amount }) => amount))).toBe(folded.accrued);
      }),
    );
  });

  it('is the same after a crash at any moment: it is a function of what was written down', () => {
    fc.assert(
      fc.property(price, looks, fc.nat(40 * DAY), (cents, seen, rest) => {
        const { meter, now } = metered(cents, seen);
        if (meter === undefined) return;
        const again = readMeter(structuredClone(meter), { bytes: meter.bytes, price: cents }, now + rest);
        expect(again).toEqual(meter);
      }),
    );
  });

  it('at rest it stops where the money ends, fee included, and goes on after a raise from there', () => {
    const money = fc.integer({ min: 0, max: 10_000_000 }).map((value) => microUsd(value));
    fc.assert(
      fc.property(
        price,
        fc.integer({ min: 1, max: 2 ** 43 }),
        money,
        money,
        fc.nat(900 * DAY),
        (cents, size, limit, raise, rest) => {
          const left = (of: MicroUsd) => (accrued: MicroUsd) =>
            microUsd(Math.max(0, subtractMoney(of, addMoney(spendOf(zeroMoney, accrued).total, microUsd(3)))));
          const meter = readMeter(undefined, { bytes: size, price: cents, left: left(limit) }, START);
          if (meter === undefined) return;
          const then = START + rest;
          const billed = meterAt(meter, then);
          expect(spendOf(zeroMoney, billed).total).toBeLessThanOrEqual(Math.max(limit, 0));
          const raised = addMoney(limit, raise);
          const after = readMeter(meter, { bytes: size, price: cents, left: left(raised) }, then);
          expect(after && meterAt(after, then)).toBe(billed);
          expect(after && spendOf(zeroMoney, meterAt(after, then + 9_000 * DAY)).total).toBeLessThanOrEqual(raised);
        },
      ),
    );
  });
});

describe('the hold', () => {
  it('keeps the work for two weeks', () => {
    expect(holdFor(GIB, microUsd(30_000), microUsd(100_000_000))).toBe(15_400);
  });

  it('never takes more than a twentieth of the limit', () => {
    expect(holdFor(1_000 * GIB, microUsd(30_000), microUsd(1_000_000))).toBe(50_000);
  });
});

/** Micro-dollars that the ledger keeps back for roundings of storage and fee. */
const ROUNDING = 3;

describe('work that rests, and turns out to be larger than was known', () => {
  it('is never billed for more than was left to keep it with', () => {
    const size = fc.integer({ min: 1, max: 2 ** 43 });
    const amount = fc.integer({ min: 1, max: 5_000_000 });
    fc.assert(
      fc.property(
        size,
        size,
        price,
        amount,
        fc.integer({ min: 0, max: 200 * DAY }),
        (known, real, cents, money, after) => {
          const left = (accrued: MicroUsd): MicroUsd =>
            microUsd(Math.max(0, money - spendOf(zeroMoney, accrued).total - ROUNDING));
          const resting = readMeter(undefined, { bytes: known, price: cents, left }, START);
          const seen = readMeter(resting, { bytes: real, price: cents, left }, START + after);
          const spent = seen === undefined ? 0 : spendOf(zeroMoney, meterAt(seen, START + 400 * DAY)).total;
          expect(spent).toBeLessThanOrEqual(money);
          // And never for less than it was told to cost.
          const told = resting === undefined ? 0 : meterAt(resting, START + after);
          expect(seen === undefined ? 0 : meterAt(seen, START + after)).toBeGreaterThanOrEqual(told);
        },
      ),
    );
  });
});
