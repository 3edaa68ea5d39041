import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, parseMoney, zeroMoney } from '../money.ts';
import {
  billedMonths,
  billedSpan,
  foldSpans,
  meterOf,
  meterRecord,
  spendAt,
  spendIn,
  spendNow,
  toldOrNow,
} from './job-ledger.ts';
import { foldMeter } from './storage.ts';

const attempt = (change: Partial<Attempt> = {}): Attempt => ({
  number: 1,
  name: 'kriptik-1',
  provider: 'here',
  unitPricePerHour: '6.00',
  createdAt: '2026-10-31T22:00:00Z',
  state: 'Gone',
  goneAt: '2026-11-01T01:00:00Z',
  resumedFromStep: 0,
  ...change,
});
const NOW = Date.parse('2026-12-24T00:00:00Z');

describe('what is billed of an attempt', () => {
  it.each([
    { case: 'from its create call', change: {}, want: Date.parse('2026-10-31T22:00:00Z') },
    {
      case: 'from the moment it holds hardware',
      change: { billedFrom: '2026-10-31T23:00:00Z' },
      want: Date.parse('2026-10-31T23:00:00Z'),
    },
    { case: 'nothing while it is queued', change: { queued: true }, want: undefined },
    {
      case: 'from hardware on, also where the queue is still on record',
      change: { queued: true, billedFrom: '2026-10-31T23:00:00Z' },
      want: Date.parse('2026-10-31T23:00:00Z'),
    },
  ])('$case', ({ change, want }) => {
    expect(billedSpan(attempt(change)).from).toBe(want);
  });
});

describe('months', () => {
  it('an attempt over the turn of a month is split there', () => {
    const record = { attempts: [attempt()] };
    expect(spendIn(record, '2026-10', NOW)).toMatchObject({ compute: 12_000_000, total: 13_200_000 });
    expect(spendIn(record, '2026-11', NOW)).toMatchObject({ compute: 6_000_000, total: 6_600_000 });
    expect(spendIn(record, '2026-12', NOW).total).toBe(0);
    expect(billedMonths(record, NOW)).toEqual(['2026-10', '2026-11']);
  });

  it('an open attempt counts until now', () => {
    const { goneAt: _gone, ...open } = attempt({ state: 'Running' });
    expect(spendIn({ attempts: [open] }, '2026-11', Date.parse('2026-11-01T00:30:00Z')).compute).toBe(3_000_000);
  });

  const day = fc.integer({ min: 0, max: 120 * 24 * 60 });
  const attempts = fc.array(
    fc.record({
      from: day,
      minutes: fc.integer({ min: 0, max: 60 * 24 * 40 }),
      price: fc.integer({ min: 1, max: 99_999 }),
    }),
    { maxLength: 6 },
  );
  const START = Date.parse('2026-08-15T00:00:00Z');
  const made = (drawn: { from: number; minutes: number; price: number }[]): Attempt[] =>
    drawn.map(({ from, minutes, price }, index) => {
      const createdAt = START + from * 60_000 + 7 * index;
      return attempt({
        number: index + 1,
        createdAt: new Date(createdAt).toISOString(),
        goneAt: new Date(createdAt + minutes * 60_000 + 13).toISOString(),
        unitPricePerHour: `0.${String(price).padStart(6, '0')}`,
      });
    });
  const kept = fc.record({ bytes: fc.integer({ min: 1, max: 2 ** 42 }), since: day, accrued: fc.nat(9_999) });

  it('add up to the whole, to the micro-dollar, fee included, whatever was folded', () => {
    fc.assert(
      fc.property(attempts, fc.nat(6), kept, (drawn, split, { bytes, since }) => {
        const all = made(drawn);
        const leaving = all.slice(0, split);
        const meter = {
          bytes,
          price: parseMoney('0.023'),
          since: START + since * 60_000,
          accrued: zeroMoney,
          months: [],
        };
        const storage = meterRecord(foldMeter(meter, START + (since + 50_000) * 60_000));
        const now = START + 400 * 86_400_000;
        const record = {
          attempts: all.slice(split),
          ...(leaving.length > 0 && { attemptsFolded: foldSpans(leaving, undefined) }),
          storage,
        };
        const whole = spendAt(record, now);
        expect(spendAt({ attempts: all, storage }, now)).toEqual(whole);
        const months = billedMonths(record, now).map((month) => spendIn(record, month, now));
        for (const part of ['compute', 'storage', 'platformFee', 'total'] as const) {
          expect(addMoney(zeroMoney, ...months.map((spend) => spend[part]))).toBe(whole[part]);
        }
      }),
    );
  });

  it('a meter survives being written down', () => {
    fc.assert(
      fc.property(kept, fc.option(day, { nil: undefined }), ({ bytes, since, accrued }, until) => {
        const meter = {
          bytes,
          price: parseMoney('0.023'),
          since: START + since * 60_000,
          ...(until !== undefined && { until: START + (since + until) * 60_000 }),
          accrued: parseMoney(`0.${String(accrued).padStart(6, '0')}`),
          months: [{ month: '2026-09', amount: parseMoney('0.001') }],
        };
        expect(meterOf(meterRecord(meter))).toEqual(meter);
      }),
    );
  });
});

describe('a clock that is behind what was told', () => {
  const asOf = '2026-12-24T00:00:00Z';
  const cost = { asOf } as NonNullable<TrainingJobStatus['cost']>;
  const { goneAt: _gone, ...open } = attempt({ state: 'Running', createdAt: '2026-12-23T23:00:00Z' });
  const attempts = [open];

  it('forgets nothing of what is spent: neither of a job nor of its month', () => {
    const hourAgo = NOW - 3_600_000;
    const told = spendAt({ attempts }, NOW);
    expect(told.total).toBeGreaterThan(0);
    expect(spendNow({ attempts, cost }, hourAgo)).toEqual(told);
    expect(spendIn({ attempts }, '2026-12', toldOrNow({ cost }, hourAgo)).total).toBe(told.total);
  });

  it('is the clock where it is ahead', () => {
    expect(spendNow({ attempts, cost }, NOW + 60_000)).toEqual(spendAt({ attempts }, NOW + 60_000));
  });
});
