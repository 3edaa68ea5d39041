import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { RuntimeMetrics } from './metrics.ts';
import { WorkQueue, type WorkQueueOptions } from './workqueue.ts';

function queueWith(options: Partial<WorkQueueOptions> = {}): { queue: WorkQueue; clock: FakeClock } {
  const clock = new FakeClock();
  return { queue: new WorkQueue({ name: 'test', clock, ...options }), clock };
}

describe('handing out keys', () => {
  it('hands out each key once however often it is added', async () => {
    const { queue } = queueWith();
    queue.add('a');
    queue.add('b');
    queue.add('a');
    expect(queue.length).toBe(2);
    expect([await queue.get(), await queue.get()]).toEqual(['a', 'b']);
    expect(queue.length).toBe(0);
  });

  it('hands a key out again only after it is done', async () => {
    const { queue } = queueWith();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
    expect(await queue.get()).toBe('a');
    queue.done('a');
    expect(queue.length).toBe(0);
  });

  it('gives waiting workers their keys in the order they came', async () => {
    const { queue } = queueWith();
    const got = Promise.all([queue.get(), queue.get()]);
    queue.add('a');
    queue.add('b');
    expect(await got).toEqual(['a', 'b']);
  });

  it('lets low-priority keys wait for all others, unless one is asked for at normal priority', async () => {
    const { queue } = queueWith();
    queue.add('resync-1', 'low');
    queue.add('resync-2', 'low');
    queue.add('urgent');
    queue.add('resync-2');
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['urgent', 'resync-2', 'resync-1']);
  });

  it('does not make a waiting key less urgent', async () => {
    const { queue } = queueWith();
    queue.add('a');
    queue.add('b');
    queue.add('a', 'low');
    expect([await queue.get(), await queue.get()]).toEqual(['a', 'b']);
  });
});

describe('urgent keys', () => {
  it('go before a thousand that wait already, and one that waits among those moves up', async () => {
    const { queue } = queueWith();
    for (let n = 0; n < 1_000; n++) queue.add(`poll-${n}`);
    queue.add('freeze', 'urgent');
    queue.add('poll-700', 'urgent');
    queue.add('freeze');
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['freeze', 'poll-700', 'poll-0']);
    expect(queue.length).toBe(998);
  });

  it('find a reserved worker free while all others are held up', async () => {
    const { queue } = queueWith();
    const reserved = queue.get({ reserved: true });
    const usual = queue.get();
    queue.add('slow');
    queue.add('slower');
    expect(await usual).toBe('slow');
    queue.add('freeze', 'urgent');
    expect(await reserved).toBe('freeze');
    expect(await queue.get()).toBe('slower');
  });

  it('let one of the others pass after eight of them', async () => {
    const { queue } = queueWith();
    for (let n = 0; n < 20; n++) queue.add(`freeze-${n}`, 'urgent');
    queue.add('poll-0');
    queue.add('poll-1');
    const order: (string | undefined)[] = [];
    while (queue.length > 0) order.push(await queue.get());
    expect(order.indexOf('poll-0')).toBe(8);
    expect(order.indexOf('poll-1')).toBe(17);
  });

  it('come at their time even where a usual look was due before and has not begun', async () => {
    const { queue, clock } = queueWith();
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 3_000, 'urgent');
    queue.addAfter('b', 500);
    await clock.advance(2_000);
    expect(queue.length).toBe(2);
    await clock.advance(1_000);
    expect([await queue.get({ reserved: true }), await queue.get()]).toEqual(['a', 'b']);
    expect(queue.delayed).toBe(0);
  });

  it('stay urgent when their work failed or they were added meanwhile', async () => {
    const { queue, clock } = queueWith();
    queue.add('a', 'urgent');
    queue.add('b', 'urgent');
    await queue.get();
    queue.addRateLimited('a');
    queue.done('a');
    await queue.get();
    queue.add('b', 'urgent');
    queue.add('b', 'low');
    queue.add('other');
    queue.done('b');
    await clock.advance(5);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['b', 'a', 'other']);
  });
});

describe('delays', () => {
  it('keeps the earliest of several times for a key', async () => {
    const { queue, clock } = queueWith();
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    expect(queue.delayed).toBe(1);
    await clock.advance(99);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    await clock.advance(5_000);
    expect(queue.length).toBe(1);
  });

  it('doubles the delay with each failure up to the limit, and starts afresh once forgotten', () => {
    const { queue } = queueWith({ maxDelayMs: 100 });
    const delays = Array.from({ length: 7 }, () => queue.addRateLimited('a'));
    expect(delays).toEqual([5, 10, 20, 40, 80, 100, 100]);
    expect(queue.retries('a')).toBe(7);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(5);
  });

  it('reaches 1000 s by default and stays there', () => {
    const { queue } = queueWith({ retryQps: Number.POSITIVE_INFINITY });
    let last = 0;
    for (let i = 0; i < 100; i++) last = queue.addRateLimited('a');
    expect(last).toBe(1_000_000);
  });

  it('slows down retries of many keys together', () => {
    const { queue } = queueWith({ retryQps: 10, retryBurst: 3 });
    const delays = ['a', 'b', 'c', 'd', 'e'].map((key) => queue.addRateLimited(key));
    expect(delays).toEqual([5, 5, 5, 100, 200]);
  });
});

describe('shutting down', () => {
  it('wakes waiting workers and drops what waits', async () => {
    const { queue, clock } = queueWith();
    const waiting = queue.get();
    queue.addAfter('later', 10);
    queue.shutDown();
    expect(await waiting).toBeUndefined();
    queue.add('a');
    await clock.advance(20);
    expect(await queue.get()).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it('drains: waits for the keys being processed', async () => {
    const { queue, clock } = queueWith();
    queue.add('a');
    await queue.get();
    let drained = false;
    const draining = queue.drain().then(() => {
      drained = true;
    });
    await clock.advance(0);
    expect(drained).toBe(false);
    queue.done('a');
    await draining;
    expect(drained).toBe(true);
  });
});

it('exports depth, adds, retries and waiting time', async () => {
  const metrics = new RuntimeMetrics();
  const { queue, clock } = queueWith({ metrics });
  queue.add('a');
  queue.add('b');
  await clock.advance(2_000);
  await queue.get();
  queue.addRateLimited('c');
  const text = await metrics.registry.metrics();
  expect(text).toContain('workqueue_depth{name="test"} 1');
  expect(text).toContain('workqueue_adds_total{name="test"} 2');
  expect(text).toContain('workqueue_retries_total{name="test"} 1');
  expect(text).toContain('workqueue_queue_duration_seconds_sum{name="test"} 2');
});

type Command =
  | { readonly do: 'add' | 'addUrgent' | 'addLow' | 'retry' | 'forget'; readonly key: string }
  | { readonly do: 'after' | 'afterUrgent'; readonly key: string; readonly ms: number }
  | { readonly do: 'work' | 'finish' }
  | { readonly do: 'advance'; readonly ms: number };

const key = fc.constantFrom('a', 'b', 'c');
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('add', 'addUrgent', 'addLow', 'retry', 'forget'), key }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('after', 'afterUrgent'), key, ms: fc.integer({ min: -5, max: 200 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('work', 'finish') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.nat(100) }) },
) as fc.Arbitrary<Command>;

it('never hands a key to two workers and never loses one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 80 }), async (commands) => {
      const { queue, clock } = queueWith();
      const working: string[] = [];
      /** Keys added since they were last handed out: each must come out again. */
      const owed = new Set<string>();
      const work = async (): Promise<void> => {
        if (queue.length === 0) return;
        const got = await queue.get();
        if (got === undefined) throw new Error('an open queue gave nothing');
        expect(working).not.toContain(got);
        working.push(got);
        owed.delete(got);
      };
      const finish = (): void => {
        const first = working.shift();
        if (first !== undefined) queue.done(first);
      };
      for (const action of commands) {
        if (action.do === 'add') queue.add(action.key);
        else if (action.do === 'addLow') queue.add(action.key, 'low');
        else if (action.do === 'addUrgent') queue.add(action.key, 'urgent');
        else if (action.do === 'retry') queue.addRateLimited(action.key);
        else if (action.do === 'after') queue.addAfter(action.key, action.ms);
        else if (action.do === 'afterUrgent') queue.addAfter(action.key, action.ms, 'urgent');
        else if (action.do === 'forget') queue.forget(action.key);
        else if (action.do === 'work') await work();
        else if (action.do === 'finish') finish();
        else if (action.do === 'advance') await clock.advance(action.ms);
        if (action.do !== 'forget' && 'key' in action) owed.add(action.key);
      }
      await clock.advance(3_600_000);
      while (working.length > 0 || queue.length > 0) {
        await work();
        finish();
      }
      expect([...owed]).toEqual([]);
      expect(queue.delayed).toBe(0);
    }),
    { numRuns: 500 },
  );
});
