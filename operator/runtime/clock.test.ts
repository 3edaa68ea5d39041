import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';
import { type ClockStep, FakeClock, steadyClock, systemClock } from './clock.ts';
import { controllerOf, isControlledBy, ownerReference } from './owner.ts';
import { TokenBucket } from './ratelimit.ts';
import { widget } from './testing/objects.ts';
import { keyOf, keyString, parseKey } from './types.ts';

describe('the fake clock', () => {
  it('fires timers in the order of their times, those set on the way included', async () => {
    const clock = new FakeClock(0);
    const fired: string[] = [];
    clock.setTimer(20, () => fired.push(`b@${clock.now()}`));
    clock.setTimer(10, () => {
      fired.push(`a@${clock.now()}`);
      clock.setTimer(5, () => fired.push(`c@${clock.now()}`));
    });
    clock.setTimer(15, () => fired.push('never')).cancel();
    await clock.advance(100);
    expect(fired).toEqual(['a@10', 'c@15', 'b@20']);
    expect(clock.now()).toBe(100);
  });

  it('wakes sleepers, whose next sleep counts from then', async () => {
    const clock = new FakeClock(0);
    const woke: number[] = [];
    const sleeper = (async () => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(10);
        woke.push(clock.now());
      }
    })();
    await clock.advance(100);
    await sleeper;
    expect(woke).toEqual([10, 20, 30]);
  });

  it('ends a sleep when aborted, and leaves no timer', async () => {
    const clock = new FakeClock(0);
    const stopper = new AbortController();
    const sleep = clock.sleep(1_000, stopper.signal);
    stopper.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    await expect(clock.sleep(1, stopper.signal)).rejects.toThrow('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});

it('the system clock does not fire a timer of a month at once', async () => {
  let fired = false;
  const timer = systemClock.setTimer(31 * 86_400_000, () => {
    fired = true;
  });
  await systemClock.sleep(20);
  timer.cancel();
  expect(fired).toBe(false);
});

describe('the steady clock', () => {
  const START = 1_800_000_000_000;
  const MINUTE = 60_000;

  /** A machine whose clocks a test moves. */
  function machine() {
    const at = { wall: START, monotonic: 5_000, uptime: 90_000 };
    const steps: ClockStep[] = [];
    const read = { wall: () => at.wall, monotonic: () => at.monotonic, uptime: () => at.uptime };
    const clock = steadyClock((step) => steps.push(step), read);
    const pass = (ms: number): void => {
      at.wall += ms;
      at.monotonic += ms;
      at.uptime += ms;
    };
    return { at, steps, clock, pass };
  }

  it('shows the time of the wall clock', () => {
    const { clock, pass } = machine();
    pass(MINUTE);
    expect(clock.now()).toBe(START + MINUTE);
    expect(clock.date().getTime()).toBe(START + MINUTE);
  });

  it.each([
    { case: 'set back by an hour: goes on as if nothing was', set: -60 * MINUTE, want: MINUTE, followed: false },
    { case: 'set forward by a minute: goes along', set: MINUTE, want: 2 * MINUTE, followed: true },
    { case: 'set forward by a year: is not believed', set: 365 * 24 * 60 * MINUTE, want: MINUTE, followed: false },
  ])('$case', ({ set, want, followed }) => {
    const { at, clock, pass, steps } = machine();
    clock.now();
    at.wall += set;
    pass(MINUTE);
    expect(clock.now() - START).toBe(want);
    pass(MINUTE);
    expect(clock.now() - START).toBe(want + MINUTE);
    expect(steps).toEqual([{ byMs: set, followed }]);
  });

  it('a machine that slept for a night has slept, however long', () => {
    const { at, clock } = machine();
    at.wall += 8 * 60 * MINUTE;
    at.uptime += 8 * 60 * MINUTE;
    expect(clock.now()).toBe(START + 8 * 60 * MINUTE);
  });

  it('a clock that is set right again is followed again', () => {
    const { at, clock, pass, steps } = machine();
    at.wall += 24 * 60 * MINUTE;
    clock.now();
    at.wall -= 24 * 60 * MINUTE;
    pass(MINUTE);
    expect(clock.now()).toBe(START + MINUTE);
    expect(steps).toHaveLength(1);
  });

  it('is slewed without a word', () => {
    const { at, clock, pass, steps } = machine();
    for (let minute = 0; minute < 60; minute += 1) {
      pass(MINUTE);
      at.wall += minute % 2 === 0 ? 400 : -400;
      clock.now();
    }
    expect(steps).toEqual([]);
    expect(clock.now()).toBe(START + 60 * MINUTE);
  });

  it('never goes back and never stands still for longer than it was slewed, whatever is done to the clock', () => {
    const set = fc.integer({ min: -3_600_000, max: 3_600_000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(set, fc.integer({ min: 0, max: 600_000 })), { maxLength: 20 }), (moves) => {
        const { at, clock, pass } = machine();
        let last = clock.now();
        for (const [by, ms] of moves) {
          at.wall += by;
          pass(ms);
          const now = clock.now();
          expect(now).toBeGreaterThanOrEqual(last);
          expect(now - last).toBeGreaterThanOrEqual(ms - 2_000);
          expect(now - last).toBeLessThanOrEqual(ms + 10 * MINUTE + 2_000);
          last = now;
        }
      }),
    );
  });
});

describe('the token bucket', () => {
  it('lets a burst through, then keeps the rate', () => {
    const bucket = new TokenBucket({ qps: 10, burst: 3, clock: new FakeClock(0) });
    expect(Array.from({ length: 5 }, () => bucket.reserve())).toEqual([0, 0, 0, 100, 200]);
  });

  it('fills up again, but never beyond the burst', async () => {
    const clock = new FakeClock(0);
    const bucket = new TokenBucket({ qps: 10, burst: 2, clock });
    bucket.reserve();
    bucket.reserve();
    await clock.advance(60_000);
    expect(Array.from({ length: 3 }, () => bucket.reserve())).toEqual([0, 0, 100]);
  });

  it('goes on where it was when the clock is set back', () => {
    let now = 3_600_000;
    const clock = Object.assign(new FakeClock(0), { now: () => now });
    const bucket = new TokenBucket({ qps: 10, burst: 2, clock });
    bucket.reserve();
    now = 0;
    expect(Array.from({ length: 3 }, () => bucket.reserve())).toEqual([0, 100, 200]);
  });

  it('takes a token only if there is one', async () => {
    const clock = new FakeClock(0);
    const bucket = new TokenBucket({ qps: 10, burst: 1, clock });
    expect([bucket.take(), bucket.take()]).toEqual([true, false]);
    await clock.advance(100);
    expect(bucket.take()).toBe(true);
  });
});

it('backoff doubles to its limit within the jitter, and starts afresh when reset', () => {
  const backoff = new Backoff({ baseMs: 100, maxMs: 400, jitter: 0.5, random: () => 0.5 });
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([75, 150, 300, 300]);
  backoff.reset();
  expect(backoff.next()).toBe(75);
});

describe('owners', () => {
  const owner = { ...widget('o'), metadata: { name: 'o', namespace: 'default', uid: 'uid-o' } };

  it('are named by kind, name and uid', () => {
    expect(ownerReference(owner)).toEqual({
      apiVersion: 'testing.example/v1',
      kind: 'Widget',
      name: 'o',
      uid: 'uid-o',
    });
    const reference = ownerReference(owner, { controller: true });
    expect(reference).toMatchObject({ controller: true, blockOwnerDeletion: true });
    const child = { ...widget('c'), metadata: { name: 'c', ownerReferences: [ownerReference(owner), reference] } };
    expect(controllerOf(child)).toEqual(reference);
    expect(isControlledBy(child, owner)).toBe(true);
    expect(isControlledBy(child, { ...owner, metadata: { ...owner.metadata, uid: 'successor' } })).toBe(false);
    expect(isControlledBy(widget('x'), widget('y'))).toBe(false);
  });

  it('must have been stored', () => {
    expect(() => ownerReference(widget('o'))).toThrow('Widget o has no uid');
  });
});

it.each([
  [{ namespace: 'ns', name: 'a' }, 'ns/a'],
  [{ name: 'a' }, 'a'],
])('key %j is written %s and read back', (key, text) => {
  expect(keyString(key)).toBe(text);
  expect(parseKey(text)).toEqual(key);
  expect(keyOf({ apiVersion: 'v1', kind: 'K', metadata: key })).toEqual(key);
});
