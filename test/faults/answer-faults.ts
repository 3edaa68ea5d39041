import type { ProxyFault } from '../support/proxy.ts';
import type { LoggedWrite, ProxyCall } from '../support/proxy-call.ts';
import type { Lane } from './lane.ts';

type Faulty = (lane: Lane, call: ProxyCall, write: LoggedWrite | undefined) => ProxyFault | undefined;

/** Strikes the first write of each label, so that every kind of write is hit once and then succeeds. */
const firstOfEach =
  (fault: ProxyFault): Faulty =>
  (_lane, _call, write) =>
    write?.occurrence === 1 ? fault : undefined;

/** Strikes every `n`-th call that is no watch, reads too. */
function every(n: number, fault: ProxyFault): Faulty {
  let count = 0;
  return (_lane, call) => {
    if (call.watch) return undefined;
    count += 1;
    return count % n === 0 ? fault : undefined;
  };
}

/** The write that commits money to an attempt. */
const commitment = (write: LoggedWrite | undefined): boolean =>
  write?.occurrence === 1 && write.label.includes('attempts=Creating');

/** What may become of a write while the operator lives. */
const WRITE_FAULTS: readonly (readonly [string, ProxyFault])[] = [
  ['lost on its way', { at: 'cut', when: 'before' }],
  ['done, and its answer lost', { at: 'cut', when: 'committed' }],
  ['done, and its answer breaks off', { at: 'cut', when: 'amid' }],
  ['answered with 500', { at: 'status', code: 500 }],
  ['answered with 503', { at: 'status', code: 503 }],
];

/** Strikes the first write of each label, with another fault for each: five rotations have each fault strike each write. */
const oneForEach =
  (rotation: number): Faulty =>
  (_lane, _call, write) => {
    if (write?.occurrence !== 1) return undefined;
    const digit = Array.from(write.label).reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), rotation);
    return WRITE_FAULTS[digit % WRITE_FAULTS.length]?.[1];
  };

/** What may become of answers, as much of it in one run as goes together. Each run has its own. */
export const answerFaults = (rotation: number): readonly (readonly [string, () => Faulty])[] => [
  ['the first write of each kind fails in one way', () => oneForEach(rotation)],
  ['the first write of each kind fails in another way', () => oneForEach(rotation + 1)],
  ['every third call is answered with 429', () => every(3, { at: 'status', code: 429, retryAfterSeconds: 1 })],
  ['every second call takes 300 ms longer', () => every(2, { at: 'delay', ms: 300 })],
  [
    'the record of an attempt is stored and never answered',
    () => (_lane, _call, write) => (commitment(write) ? { at: 'silence', committed: true } : undefined),
  ],
];

/** Each fault of a write with every kind of write. */
export const singleAnswerFaults: readonly (readonly [string, () => Faulty])[] = WRITE_FAULTS.map(
  ([what, fault]) => [`the first write of each kind is ${what}`, () => firstOfEach(fault)] as const,
);
