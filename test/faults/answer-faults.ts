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

/** What may become of answers while the operator lives. Each run has its own. */
export const answerFaults: readonly (readonly [string, () => Faulty])[] = [
  ['the first write of each kind is lost on its way', () => firstOfEach({ at: 'cut', when: 'before' })],
  ['the first write of each kind is done, and its answer lost', () => firstOfEach({ at: 'cut', when: 'committed' })],
  ['the first write of each kind is done, and its answer breaks off', () => firstOfEach({ at: 'cut', when: 'amid' })],
  ['the first write of each kind is answered with 500', () => firstOfEach({ at: 'status', code: 500 })],
  ['the first write of each kind is answered with 503', () => firstOfEach({ at: 'status', code: 503 })],
  ['every third call is answered with 429', () => every(3, { at: 'status', code: 429, retryAfterSeconds: 1 })],
  ['every second call takes 300 ms longer', () => every(2, { at: 'delay', ms: 300 })],
  [
    'the record of an attempt is stored and never answered',
    () => (_lane, _call, write) => (commitment(write) ? { at: 'silence', committed: true } : undefined),
  ],
];
