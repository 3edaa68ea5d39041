import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd, zeroMoney } from '../money.ts';
import { type Claim, launchVerdict } from './ceiling.ts';

const claim = (uid: string, change: Partial<Claim> = {}): Claim => ({
  uid,
  name: uid,
  createdAt: `2026-11-01T00:00:0${uid.length}Z`,
  spent: zeroMoney,
  reserved: microUsd(60),
  state: 'announced',
  ...change,
});
const CEILING = microUsd(100);

describe('a month for 100', () => {
  it.each([
    { case: 'one that fits begins', claims: [claim('a')], of: 'a', want: 'launch' },
    {
      case: 'one that is too large is refused',
      claims: [claim('a', { reserved: microUsd(101) })],
      of: 'a',
      want: 'refuse',
    },
    { case: 'the last dollar counts', claims: [claim('a', { reserved: microUsd(100) })], of: 'a', want: 'launch' },
    {
      case: 'what runs counts, also where it is younger',
      claims: [claim('a'), claim('bb', { state: 'live' })],
      of: 'a',
      want: 'refuse',
    },
    {
      case: 'what others spent this month counts',
      claims: [claim('a'), claim('bb', { spent: microUsd(50), reserved: zeroMoney, state: 'idle' })],
      of: 'a',
      want: 'refuse',
    },
    { case: 'the later of two gives way', claims: [claim('a'), claim('bb')], of: 'bb', want: 'refuse' },
    { case: 'the earlier waits until it did', claims: [claim('a'), claim('bb')], of: 'a', want: 'wait' },
    { case: 'the same second: the uid decides', claims: [claim('a'), claim('b')], of: 'b', want: 'refuse' },
    {
      case: 'two that fit both begin',
      claims: [claim('a', { reserved: microUsd(40) }), claim('bb')],
      of: 'a',
      want: 'launch',
    },
  ])('$case', ({ claims, of, want }) => {
    expect(launchVerdict(CEILING, of, claims).verdict).toBe(want);
  });

  it('names who holds what, the largest first', () => {
    const claims = [claim('a'), claim('bb', { reserved: microUsd(10) }), claim('ccc', { reserved: microUsd(20) })];
    const { holders, left } = launchVerdict(CEILING, 'a', claims);
    expect(holders).toEqual([
      { name: 'ccc', reserved: 20 },
      { name: 'bb', reserved: 10 },
    ]);
    expect(left).toBe(70);
  });
});

/** A job on its way: it announces itself, looks, creates if it may, and writes down that it lives, in steps that others come between. */
interface Walker {
  readonly uid: string;
  readonly reserved: number;
  at: 'idle' | 'announced' | 'allowed' | 'created' | 'live';
}

/** What is on record of all of them; `asker` counts as announced, as it would be. */
function verdictOn(asker: Walker, all: readonly Walker[], ceiling: number): string {
  const claims = all.map(({ uid, reserved, at }) => {
    const idle = at === 'idle' && uid !== asker.uid;
    return claim(uid, {
      createdAt: '2026-11-01T00:00:00Z',
      reserved: idle ? zeroMoney : microUsd(reserved),
      state: idle ? 'idle' : at === 'live' ? 'live' : 'announced',
    });
  });
  return launchVerdict(microUsd(ceiling), asker.uid, claims).verdict;
}

/** `cached`: before it announces itself it looks at its cache, which may show a time long ago, when nothing ran. */
function stepOf(walker: Walker, all: readonly Walker[], ceiling: number, cached = false): void {
  if (walker.at === 'idle') {
    const seen = cached ? [walker] : all;
    if (verdictOn(walker, seen, ceiling) === 'launch') walker.at = 'announced';
  } else if (walker.at === 'announced') {
    const verdict = verdictOn(walker, all, ceiling);
    if (verdict === 'launch') walker.at = 'allowed';
    if (verdict === 'refuse') walker.at = 'idle';
  } else if (walker.at === 'allowed') walker.at = 'created';
  else if (walker.at === 'created') walker.at = 'live';
}

const walkers = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 });
const created = (all: readonly Walker[]): number =>
  all.filter(({ at }) => at === 'created' || at === 'live').reduce((sum, { reserved }) => sum + reserved, 0);
const walkersOf = (sizes: readonly number[]): Walker[] =>
  sizes.map((reserved, index) => ({ uid: String.fromCharCode(97 + index), reserved, at: 'idle' }));

describe('jobs that start together, in any interleaving of their steps', () => {
  it('never take more than the ceiling', () => {
    fc.assert(
      fc.property(
        walkers,
        fc.array(fc.nat(5), { maxLength: 80 }),
        fc.integer({ min: 1, max: 200 }),
        (sizes, order, ceiling) => {
          const all = walkersOf(sizes);
          for (const index of order) {
            const walker = all[index % all.length];
            if (walker !== undefined) stepOf(walker, all, ceiling, true);
            expect(created(all)).toBeLessThanOrEqual(ceiling);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('do not block each other: if one fits, one gets through', () => {
    fc.assert(
      fc.property(walkers, fc.array(fc.nat(5), { maxLength: 40 }), (sizes, order) => {
        const ceiling = Math.max(...sizes);
        const all = walkersOf(sizes);
        for (const index of order) {
          const walker = all[index % all.length];
          if (walker !== undefined) stepOf(walker, all, ceiling, true);
        }
        for (let round = 0; round < 20; round += 1) for (const walker of all) stepOf(walker, all, ceiling);
        expect(created(all)).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
