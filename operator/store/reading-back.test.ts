import { describe, expect, test } from 'vitest';
import { type Question, ReadingBack } from './reading-back.ts';
import type { Problem } from './store.ts';

const GOOD: Problem | undefined = undefined;
const BAD: Problem = { code: 'HashMismatch', message: 'not what was saved', where: 'x' };

/** Readings that end when the test says so. */
const bench = (): {
  readings: ReadingBack;
  begun: string[];
  end: (state: string, problem?: Problem) => void;
  fail: (state: string) => void;
  question: (state: string, fresh?: boolean) => Question;
  pass: (ms: number) => void;
} => {
  let now = 1_000_000;
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<Problem | undefined>>();
  const endOf = (state: string): PromiseWithResolvers<Problem | undefined> => {
    const end = ends.get(state) ?? Promise.withResolvers<Problem | undefined>();
    ends.set(state, end);
    return end;
  };
  return {
    readings: new ReadingBack({ now: () => now, atOnce: 2 }),
    begun,
    end: (state, problem) => endOf(state).resolve(problem),
    fail: (state) => endOf(state).reject(new Error('the store went away')),
    question: (state, fresh = false) => ({
      key: `key of ${state.split(' ')[0]}`,
      state,
      totalBytes: 100,
      fresh,
      read: (more) => {
        begun.push(state);
        more(40);
        const { promise } = endOf(state);
        const used = (): boolean => ends.delete(state);
        promise.then(used, used);
        return promise;
      },
    }),
    pass: (ms) => {
      now += ms;
    },
  };
};

describe('reading back in the background', () => {
  test('tells how far it has come, then the verdict, from one reading', async () => {
    const { readings, begun, end, question } = bench();
    expect(await readings.ask(question('a 1'), 5)).toEqual({ pending: { doneBytes: 40, totalBytes: 100 } });
    expect(await readings.ask(question('a 1'), 5)).toHaveProperty('pending');
    const waiting = readings.ask(question('a 1'), 10_000);
    end('a 1', GOOD);
    expect(await waiting).toEqual({ verifiedAt: 1_000_000 });
    expect(await readings.ask(question('a 1'), 5)).toEqual({ verifiedAt: 1_000_000 });
    expect(begun).toEqual(['a 1']);
  });

  test('a verdict does not hold for another state', async () => {
    const { readings, begun, end, question } = bench();
    const first = readings.ask(question('a 1'), 10_000);
    end('a 1', BAD);
    expect(await first).toEqual({ verifiedAt: 1_000_000, problem: BAD });
    const second = readings.ask(question('a 2'), 10_000);
    end('a 2', GOOD);
    expect(await second).toEqual({ verifiedAt: 1_000_000 });
    expect(begun).toEqual(['a 1', 'a 2']);
  });

  test('a reading that fails tells who waits, and is begun anew by who asks next', async () => {
    const { readings, begun, end, fail, question } = bench();
    const first = readings.ask(question('a 1'), 10_000);
    fail('a 1');
    await expect(first).rejects.toThrow('the store went away');
    const second = readings.ask(question('a 1'), 10_000);
    end('a 1', GOOD);
    expect(await second).toHaveProperty('verifiedAt');
    expect(begun).toEqual(['a 1', 'a 1']);
  });

  test('a fresh question is not answered by a reading from before it, however often it is put', async () => {
    const { readings, begun, end, question, pass } = bench();
    const old = readings.ask(question('a 1'), 10_000);
    await expect.poll(() => begun).toEqual(['a 1']);
    pass(10);
    expect(await readings.ask(question('a 1', true), 5)).toHaveProperty('pending');
    end('a 1', GOOD);
    await old;
    expect(await readings.ask(question('a 1', true), 5)).toHaveProperty('pending');
    expect(begun).toEqual(['a 1', 'a 1']);
    end('a 1', GOOD);
    expect(await readings.ask(question('a 1', true), 10_000)).toHaveProperty('verifiedAt');
    pass(59_000);
    expect(await readings.ask(question('a 1', true), 5)).toHaveProperty('verifiedAt');
    pass(61_000);
    expect(await readings.ask(question('a 1', true), 5)).toHaveProperty('pending');
    expect(await readings.ask(question('a 1', false), 5)).toHaveProperty('verifiedAt');
  });

  test('no more than two read at once; the third begins when one ends', async () => {
    const { readings, begun, end, question } = bench();
    const asked = ['a 1', 'b 1', 'c 1'].map((state) => readings.ask(question(state), 10_000));
    await expect.poll(() => begun).toEqual(['a 1', 'b 1']);
    end('b 1', GOOD);
    await expect.poll(() => begun).toEqual(['a 1', 'b 1', 'c 1']);
    end('a 1', GOOD);
    end('c 1', GOOD);
    expect(await Promise.all(asked)).toHaveLength(3);
  });
});
