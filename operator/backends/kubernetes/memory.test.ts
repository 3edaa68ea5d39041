import { beforeEach, describe, expect, it } from 'vitest';
import type { Instance } from '../backend.ts';
import { Memory, type PodChanges } from './memory.ts';
import { running } from './testing/facts.ts';

const NAME = 'kriptik-0e5a1c3e-1';
const instance = (more: Partial<Instance> = {}): Instance => ({
  name: NAME,
  id: 'uid',
  job: { namespace: 'team-a', name: 'helpdesk', uid: 'uid-1' },
  state: 'running',
  endpoint: 'http://10.0.0.1:8080',
  ...more,
});

let now: number;
let tell: () => void;
let changes: PodChanges & { hasSynced: boolean };
let memory: Memory;
beforeEach(() => {
  now = 0;
  changes = {
    hasSynced: true,
    onEvent: ({ update }) => {
      tell = () => update?.(running(), running());
      return () => {};
    },
  };
  memory = new Memory(changes, () => now);
});

const keep = (what: Instance | undefined): void => memory.reading(NAME)(what);

describe('an answer is given again', () => {
  it('while the attempt simply runs and nothing was heard, for a few seconds', () => {
    keep(instance());
    now = 29_000;
    expect(memory.recall(NAME)).toEqual(instance());
    now = 30_000;
    expect(memory.recall(NAME)).toBeUndefined();
  });

  it.each([
    { attempts: 200, ms: 30_000 },
    { attempts: 1_000, ms: 150_000 },
    { attempts: 3_000, ms: 300_000 },
  ])('for $ms ms where $attempts attempts run, so that all together are not read too often', ({ attempts, ms }) => {
    for (let index = 0; index < attempts; index++) memory.reading(`other-${index}`)(instance());
    keep(instance());
    now = ms - 1;
    expect(memory.recall(NAME)).toEqual(instance());
    now = ms;
    expect(memory.recall(NAME)).toBeUndefined();
  });

  it.each<{ case: string; what: Instance }>([
    { case: 'waits', what: instance({ state: 'queued' }) },
    { case: 'starts', what: instance({ state: 'starting' }) },
    { case: 'has ended, which is for good', what: instance({ state: 'exited' }) },
  ])('for a shorter while where it $case', ({ what }) => {
    keep(what);
    now = 9_999;
    expect(memory.recall(NAME)).toEqual(what);
    now = 10_000;
    expect(memory.recall(NAME)).toBeUndefined();
  });

  it.each<{ case: string; what: Instance | undefined }>([
    { case: 'is on a lost node', what: instance({ waiting: { reason: 'NodeLost', message: '', since: 0 } }) },
    { case: 'is gone', what: undefined },
  ])('never where it $case', ({ what }) => {
    keep(instance());
    keep(what);
    expect(memory.recall(NAME)).toBeUndefined();
  });

  it('no more once a change of its pod was heard, nor what was read before it', () => {
    keep(instance());
    tell();
    expect(memory.recall(NAME)).toBeUndefined();
    const late = memory.reading(NAME);
    tell();
    late(instance());
    expect(memory.recall(NAME)).toBeUndefined();
  });

  it('no more once it was told to end', () => {
    keep(instance());
    memory.forget(NAME);
    expect(memory.recall(NAME)).toBeUndefined();
  });

  it('only where changes are heard of at all', () => {
    changes.hasSynced = false;
    keep(instance());
    expect(memory.recall(NAME)).toBeUndefined();
    const deaf = new Memory(undefined, () => now);
    deaf.reading(NAME)(instance());
    expect(deaf.recall(NAME)).toBeUndefined();
  });
});

describe('a name', () => {
  it('of which nothing is left is not read again', () => {
    keep(instance());
    memory.gone(NAME);
    expect(memory.isGone(NAME)).toBe(true);
    expect(memory.recall(NAME)).toBeUndefined();
    expect(memory.isGone('kriptik-0e5a1c3e-2')).toBe(false);
  });

  it('that was told to end is told again after two seconds, and at once where it shall be faster', () => {
    memory.asked(NAME, 5_000);
    expect(memory.wasAsked(NAME, 5_000)).toBe(true);
    expect(memory.wasAsked(NAME, 0)).toBe(false);
    now = 2_000;
    expect(memory.wasAsked(NAME, 5_000)).toBe(false);
  });
});
