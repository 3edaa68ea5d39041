import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { makeObserved } from '../../test/support/observed.ts';
import { silentLogger } from '../runtime/log.ts';
import { act } from './act.ts';
import { decideJob } from './decide.ts';
import type { JobDependencies } from './dependencies.ts';

const settled = makeJob().attempt('Running', {
  createdAt: time(0),
  startedAt: time(40),
  deadline: time(2_723),
  deadlineLimit: '5.00',
});
const seen = (limit: string) =>
  makeObserved(settled.obj())
    .at(60)
    .goal({ limit })
    .trains({ deadlineSeconds: 2_663 })
    .instance('running', { endpoint: 'http://trainer' })
    .obj();

/** Who is spoken to, in order; the provider's API is gone where it `fails`. */
async function spokenTo(limit: string, { fails = false } = {}): Promise<string[]> {
  const told: string[] = [];
  const setHardDeadline = async () => {
    told.push('provider');
    if (fails) throw new Error('no API');
  };
  const backend = { setHardDeadline, token: async () => 'secret' };
  const deps = {
    providers: { get: () => undefined },
    policies: { list: () => [] },
    namespaces: { get: () => undefined },
    registry: { lastKnown: () => ({ backend }) },
    trainerClient: () => ({ setDeadlineIn: async () => told.push('trainer') }),
    clock: { now: () => Date.parse(time(60)) },
  } as unknown as JobDependencies;
  const o = seen(limit);
  const { actions, status } = decideJob(o);
  for (const action of actions) {
    await act(deps, o, { ...o.job, status }, action, silentLogger()).catch((error: unknown) => {
      told.push(String(error));
    });
  }
  return told;
}

describe('an end of the money that moves', () => {
  it('to later is granted by the provider before the trainer is promised it', async () => {
    expect(await spokenTo('9.00')).toEqual(['provider', 'trainer']);
    expect(await spokenTo('9.00', { fails: true })).toEqual(['provider', 'Error: no API']);
  });

  it('to sooner is told to the trainer though the API of its provider is gone', async () => {
    expect(await spokenTo('3.00')).toEqual(['trainer', 'provider']);
    expect(await spokenTo('3.00', { fails: true })).toEqual(['trainer', 'provider', 'Error: no API']);
  });
});
