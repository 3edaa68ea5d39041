import type { TrainingJob } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, makeProvider, START } from '../../test/support/builders.ts';
import type { Backend, Instance } from '../backends/backend.ts';
import { silentLogger } from '../runtime/log.ts';
import { forget, sweep } from './sweep.ts';

const NAME = 'kriptik-0e5a1c3e-1';
const instance = (state: Instance['state'], name = NAME): Instance => ({
  name,
  id: '1',
  job: { namespace: 'team', name: 'faq', uid: 'x' },
  state,
});
const open = makeJob().attempt('Running').obj();
const closed = makeJob().attempt('Gone', { outcome: 'Stopped' }).obj();
const unjudged = makeJob().attempt('Gone').obj();

async function run(list: readonly Instance[], known: readonly TrainingJob[], fresh = known, stuck = '') {
  const did: string[] = [];
  const told: string[] = [];
  const backend = {
    list: async () => [...list],
    terminate: async (name: string) => {
      if (name === stuck) throw new Error('no answer');
      did.push(`terminate ${name}`);
    },
    release: async (name: string) => void did.push(`release ${name}`),
  } as unknown as Backend;
  const result = await sweep({
    backend,
    provider: makeProvider().obj(),
    known,
    fresh: async () => fresh,
    now: () => START,
    events: { event: (_, { reason }) => void told.push(reason) },
    log: silentLogger(),
  });
  return { ...result, did, told };
}

describe('a sweep', () => {
  it.each([
    {
      case: 'leaves what an open attempt accounts for',
      list: [instance('running')],
      known: [open],
      did: [],
      ending: 0,
    },
    {
      case: 'ends what runs for a closed attempt',
      list: [instance('running')],
      known: [closed],
      did: [`terminate ${NAME}`],
      ending: 1,
    },
    {
      case: 'ends what waits for a job that is gone',
      list: [instance('queued')],
      known: [],
      did: [`terminate ${NAME}`],
      ending: 1,
    },
    {
      case: 'lets go of the record of one that ended',
      list: [instance('exited')],
      known: [],
      did: [`release ${NAME}`],
      ending: 0,
    },
    {
      case: 'keeps the record of one that is not judged yet',
      list: [instance('exited')],
      known: [unjudged],
      did: [],
      ending: 0,
    },
  ])('$case', async ({ list, known, did, ending }) => {
    const swept = await run(list, known);
    expect(swept.did).toEqual(did);
    expect(swept.ending).toBe(ending);
    expect(swept.told).toEqual(ending === 0 ? [] : ['OrphanFound']);
  });

  it('believes the API server rather than a cache that lags behind a launch', async () => {
    expect((await run([instance('running')], [], [open])).did).toEqual([]);
  });

  it('ends the others when one cannot be ended, and says so', async () => {
    const swept = await run([instance('running'), instance('running', 'kriptik-0e5a1c3e-2')], [], [], NAME);
    expect(swept).toMatchObject({ did: ['terminate kriptik-0e5a1c3e-2'], ending: 2, failures: [`${NAME}: no answer`] });
  });
});

describe('names that were used', () => {
  it('are let go a day after their release, of jobs that are gone', async () => {
    const asked: unknown[] = [];
    const backend = {
      forgetNames: async (isGone: (uid: string) => boolean, before: number) => {
        asked.push(isGone(open.metadata.uid), isGone('another'), before);
        return 3;
      },
    } as unknown as Backend;
    expect(await forget({ backend, fresh: async () => [open], now: () => START })).toBe(3);
    expect(asked).toEqual([false, true, START - 86_400_000]);
  });

  it('are left alone where a backend keeps none', async () => {
    const backend = {} as unknown as Backend;
    expect(await forget({ backend, fresh: async () => [], now: () => START })).toBe(0);
  });
});
