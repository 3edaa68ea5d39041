import type { Attempt } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { makeObserved, readyProvider } from '../../test/support/observed.ts';
import { nextTurn } from './turns.ts';

const never = (provider: string, goneAt: number): Partial<Attempt> =>
  ({
    provider,
    outcome: 'Lost',
    queued: true,
    startedAt: undefined,
    goneAt: time(goneAt),
    message: `Unschedulable for more than 600 s on ${provider}`,
  }) as unknown as Partial<Attempt>;
const ran: Partial<Attempt> = { outcome: 'Lost', provider: 'a' };
const attempts = (...changes: Partial<Attempt>[]): readonly Attempt[] =>
  changes.reduce<ReturnType<typeof makeJob>>((job, change) => job.attempt('Gone', change), makeJob()).obj().status
    ?.attempts ?? [];
const a = readyProvider({ name: 'a' });
const b = readyProvider({ name: 'b' });
const turn = (tried: readonly Attempt[], seconds: number, providers = [a, b]) => {
  const next = nextTurn(makeObserved().at(seconds).with({ providers }).obj(), tried);
  return 'provider' in next ? next.provider.name : `${next.situation.kind} ${next.waitMs / 1000}`;
};

describe('the next attempt goes to', () => {
  it.each([
    { case: 'the first approved provider', of: turn([], 0), want: 'a' },
    { case: 'the next one, at once, when the first had nothing', of: turn(attempts(never('a', 60)), 60), want: 'b' },
    {
      case: 'nobody for a while, once all were tried',
      of: turn(attempts(never('a', 60), never('b', 120)), 121),
      want: 'Pending 14',
    },
    {
      case: 'the first again after that',
      of: turn(attempts(never('a', 60), never('b', 120)), 135),
      want: 'a',
    },
    {
      case: 'the second again in the second round, without a wait',
      of: turn(attempts(never('a', 60), never('b', 120), never('a', 300)), 300),
      want: 'b',
    },
    {
      case: 'nobody for twice as long after the second round',
      of: turn(attempts(never('a', 60), never('b', 120), never('a', 300), never('b', 400)), 400),
      want: 'Pending 30',
    },
    { case: 'the first again after one that ran', of: turn(attempts(ran, never('a', 60), ran), 300), want: 'a' },
    {
      case: 'the only one that can reach the work',
      of: turn([], 0, [{ ...a, outOfReach: 'its work lies in a folder of b' }, b]),
      want: 'b',
    },
    {
      case: 'the one that what is left pays for',
      of: turn([], 0, [{ ...a, unitPricePerHour: '90000.00' }, b]),
      want: 'b',
    },
    {
      case: 'nobody where what is left pays for none',
      of: turn([], 0, [{ ...a, unitPricePerHour: '90000.00' }]),
      want: 'Pending 15',
    },
  ])('$case', ({ of, want }) => {
    expect(of).toBe(want);
  });

  it('says what each provider lacked, in words that do not change while it waits', () => {
    const tried = attempts(never('a', 60), never('b', 120));
    const said = (seconds: number): unknown => {
      const next = nextTurn(
        makeObserved()
          .at(seconds)
          .with({ providers: [a, b] })
          .obj(),
        tried,
      );
      return 'situation' in next ? next.situation : undefined;
    };
    expect(said(121)).toEqual(said(134));
    expect(said(121)).toMatchObject({
      reason: 'NoCapacity',
      message:
        `No approved provider could start it; tried again at ${new Date(START + 135_000).toISOString()}. ` +
        'a: Unschedulable for more than 600 s on a; b: Unschedulable for more than 600 s on b',
    });
  });

  it('says so when only providers are ready that cannot reach the work', () => {
    const stranded = { ...a, outOfReach: 'its work lies in a folder of b (file:///w), which a cannot reach' };
    const next = nextTurn(
      makeObserved()
        .with({ providers: [stranded, readyProvider({ name: 'b', ready: false, message: 'turned off' })] })
        .obj(),
      attempts(ran),
    );
    expect(next).toMatchObject({ situation: { reason: 'StoreOutOfReach' } });
  });
});
