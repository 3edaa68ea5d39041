import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Informer } from './informer.ts';
import { silentLogger } from './log.ts';
import { duplicating, type StreamFilter, swapping } from './testing/faults.ts';
import { eventually, type Rig, startRig, WIDGET_COLLECTION, WIDGETS, type Widget, widget } from './testing/objects.ts';

const NAMES = ['a', 'b', 'c', 'd'];

type Step =
  | { readonly do: 'put' | 'drop' | 'recreate'; readonly name: string; readonly size: number }
  | { readonly do: 'break'; readonly how: 'end' | 'reset' | 'gone' }
  | { readonly do: 'compact' | 'bookmark' | 'settle' }
  | { readonly do: 'fault'; readonly code: 429 | 500 | 410 | 0; readonly on: 'list' | 'watch' }
  | { readonly do: 'filter'; readonly filter: 'plain' | 'double' | 'swap' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('put', 'drop', 'recreate'),
      name: fc.constantFrom(...NAMES),
      size: fc.nat(9),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('break'), how: fc.constantFrom('end', 'reset', 'gone') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('compact', 'bookmark', 'settle') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault'),
      code: fc.constantFrom(429, 500, 410, 0),
      on: fc.constantFrom('list', 'watch'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('filter'), filter: fc.constantFrom('plain', 'double', 'swap') }),
  },
) as fc.Arbitrary<Step>;

function filterOf(name: 'plain' | 'double' | 'swap'): StreamFilter {
  return name === 'plain' ? (event) => [event] : name === 'double' ? duplicating : swapping();
}

async function perform(rig: Rig, action: Step): Promise<void> {
  const { store } = rig.server;
  switch (action.do) {
    case 'put':
    case 'drop':
    case 'recreate': {
      const key = `default/${action.name}`;
      const old = store.list(WIDGET_COLLECTION).find((obj) => obj.metadata.name === action.name);
      if (action.do !== 'put' && old !== undefined) store.delete(WIDGET_COLLECTION, key);
      if (action.do === 'drop') return;
      if (old === undefined || action.do === 'recreate')
        store.create(WIDGET_COLLECTION, key, widget(action.name, action.size));
      else store.replace(WIDGET_COLLECTION, key, { ...old, spec: { size: action.size } } as Widget);
      return;
    }
    case 'break':
      rig.server.breakWatches(action.how);
      return;
    case 'compact':
      store.compact();
      return;
    case 'bookmark':
      rig.server.bookmark();
      return;
    case 'settle':
      // Long enough to reconnect as a rule; not waiting for it keeps the races in.
      await eventually(() => rig.server.openWatches > 0, 'a watch', 30).catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
      return;
    case 'fault': {
      const fault = action.code === 0 ? ({ kind: 'reset' } as const) : ({ kind: 'status', code: action.code } as const);
      rig.server.inject({ fault, match: (call) => call.watch === (action.on === 'watch') });
      return;
    }
    case 'filter':
      rig.server.filter = filterOf(action.filter);
  }
}

/** What a handler would have if it kept its own copy; throws when an event does not fit what it knows. */
function mirrorOf(informer: Informer<Widget>): Map<string, Widget> {
  const mirror = new Map<string, Widget>();
  const fits = (ok: boolean, what: string): void => {
    if (!ok) throw new Error(what);
  };
  informer.onEvent({
    add: (obj) => {
      fits(!mirror.has(obj.metadata.name), `add of ${obj.metadata.name}, which is known`);
      mirror.set(obj.metadata.name, obj);
    },
    update: (old, obj) => {
      fits(mirror.get(obj.metadata.name) === old, `update of ${obj.metadata.name} from a state never told`);
      fits(old.metadata.uid === obj.metadata.uid, 'update from one object to another');
      mirror.set(obj.metadata.name, obj);
    },
    delete: (obj) => fits(mirror.delete(obj.metadata.name), `delete of ${obj.metadata.name}, which is unknown`),
  });
  return mirror;
}

const versions = (objects: Iterable<Widget>): string[] =>
  [...objects].map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`).sort();

it('ends with the state of the server after any sequence of changes and faults', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const rig = await startRig({ timeoutMs: 60_000 });
      const broken: unknown[] = [];
      const log = silentLogger();
      log.error = ((entry: unknown) => void broken.push(entry)) as typeof log.error;
      const informer = new Informer({
        client: rig.client.resource(WIDGETS),
        log,
        pageSize: 2,
        backoff: { baseMs: 1, maxMs: 8 },
      });
      const mirror = mirrorOf(informer);
      try {
        rig.server.store.create(WIDGET_COLLECTION, 'default/a', widget('a'));
        informer.start();
        await eventually(() => rig.server.openWatches > 0, 'the first watch');
        for (const action of steps) await perform(rig, action);
        rig.server.clearFaults();
        rig.server.filter = filterOf('plain');
        // An event a filter still holds is lost for good; the next watch replays it.
        rig.server.breakWatches('reset');
        const truth = (): string => versions(rig.server.store.list(WIDGET_COLLECTION) as Widget[]).join();
        await eventually(
          () => informer.hasSynced && versions(informer.list()).join() === truth(),
          'cache equals server',
        );
        expect(versions(mirror.values()).join()).toBe(truth());
        expect(broken).toEqual([]);
      } finally {
        await informer.stop();
        await rig.close();
      }
    }),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  );
}, 120_000);
