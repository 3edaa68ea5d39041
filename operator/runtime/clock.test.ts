import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';
import { FakeClock, systemClock } from './clock.ts';
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
