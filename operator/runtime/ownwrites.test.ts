import { beforeEach, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { OwnWrites } from './ownwrites.ts';
import { type Widget, widget } from './testing/objects.ts';
import { isOlder } from './versions.ts';

const at = (version: string, uid = 'u'): Widget => {
  const base = widget('a');
  return { ...base, metadata: { ...base.metadata, uid, resourceVersion: version } };
};

const key = { namespace: 'default', name: 'a' };
let cached: Widget | undefined;
let clock: FakeClock;
let writes: OwnWrites;

beforeEach(() => {
  cached = undefined;
  clock = new FakeClock();
  writes = new OwnWrites({ get: () => cached }, clock);
});

it('is behind until the cache holds the write or something later', () => {
  cached = at('5');
  expect(writes.isBehind(key)).toBe(false);
  expect(writes.note(at('9'))).toEqual(at('9'));
  expect(writes.isBehind(key)).toBe(true);
  cached = at('8');
  expect(writes.isBehind(key)).toBe(true);
  cached = at('10');
  expect(writes.isBehind(key)).toBe(false);
});

it('is behind after a creation until the object shows up', () => {
  writes.note(at('9'));
  expect(writes.isBehind(key)).toBe(true);
  cached = at('9');
  expect(writes.isBehind(key)).toBe(false);
});

it('is not behind when the cache was faster than the answer, or holds a successor', () => {
  cached = at('12');
  writes.note(at('9'));
  expect(writes.isBehind(key)).toBe(false);
  cached = at('5', 'u');
  writes.note(at('9'));
  cached = at('7', 'successor');
  expect(writes.isBehind(key)).toBe(false);
});

it('does not wait for ever', async () => {
  cached = at('5');
  writes.note(at('9'));
  await clock.advance(30_001);
  expect(writes.isBehind(key)).toBe(false);
});

it.each([
  ['9', '10', true],
  ['10', '9', false],
  ['10', '10', false],
  ['99999999999999999998', '99999999999999999999', true],
  ['abc', '10', false],
  ['', '10', false],
  [undefined, '10', false],
  ['10', undefined, false],
])('version %s before %s: %s', (a, b, expected) => {
  expect(isOlder(a, b)).toBe(expected);
});
