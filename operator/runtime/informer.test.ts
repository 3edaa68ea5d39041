import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Informer, type InformerOptions } from './informer.ts';
import { silentLogger } from './log.ts';
import { RuntimeMetrics } from './metrics.ts';
import { KubeClient } from './rest.ts';
import { OWNER_INDEX } from './store.ts';
import { duplicating, swapping } from './testing/faults.ts';
import { eventually, type Rig, startRig, WIDGET_COLLECTION, WIDGETS, type Widget, widget } from './testing/objects.ts';

let rig: Rig;
let informer: Informer<Widget>;
const seen: string[] = [];
const metrics = new RuntimeMetrics();

function informerWith(options: Partial<InformerOptions<Widget>> = {}): Informer<Widget> {
  return new Informer({
    client: rig.client.resource(WIDGETS),
    log: silentLogger(),
    backoff: { baseMs: 5, maxMs: 50 },
    ...options,
  });
}

beforeEach(async () => {
  rig = await startRig({ metrics, timeoutMs: 60_000 });
  seen.length = 0;
  informer = informerWith({ indexes: { size: (obj) => [String(obj.spec.size)] } });
  informer.onEvent({
    add: (obj) => void seen.push(`add ${obj.metadata.name}=${obj.spec.size}`),
    update: (old, obj) => void seen.push(`update ${obj.metadata.name} ${old.spec.size}->${obj.spec.size}`),
    delete: (obj) => void seen.push(`delete ${obj.metadata.name}`),
  });
});

afterEach(async () => {
  await informer.stop();
  await rig.close();
});

const put = (name: string, size = 1): unknown =>
  rig.server.store.create(WIDGET_COLLECTION, `default/${name}`, widget(name, size));
const resize = (name: string, size: number): void => {
  const old = rig.server.store.get(WIDGET_COLLECTION, `default/${name}`) as Widget;
  rig.server.store.replace(WIDGET_COLLECTION, `default/${name}`, { ...old, spec: { size } } as Widget);
};
const drop = (name: string): unknown => rig.server.store.delete(WIDGET_COLLECTION, `default/${name}`);
const names = (): string[] =>
  informer
    .list()
    .map((obj) => obj.metadata.name)
    .sort();
const listCalls = (): number => rig.server.calls.filter((call) => !call.watch).length;

async function started(): Promise<void> {
  informer.start();
  await informer.waitForSync();
  await eventually(() => rig.server.openWatches === 1, 'the watch is open');
}

describe('a healthy informer', () => {
  it('holds what was there and follows what changes', async () => {
    put('a');
    expect(informer.hasSynced).toBe(false);
    await started();
    expect(informer.hasSynced).toBe(true);
    expect(names()).toEqual(['a']);
    put('b', 2);
    resize('a', 5);
    drop('b');
    await eventually(() => seen.length === 4, 'four events');
    expect(seen).toEqual(['add a=1', 'add b=2', 'update a 1->5', 'delete b']);
    expect(informer.get({ namespace: 'default', name: 'a' })?.spec.size).toBe(5);
    expect(informer.byIndex('size', '5').map((obj) => obj.metadata.name)).toEqual(['a']);
    expect(informer.byIndex('size', '1')).toEqual([]);
  });

  it('asks for bookmarks and a time limit, and goes on from the bookmark without a list', async () => {
    put('a');
    await started();
    const watch = rig.server.calls.find((call) => call.watch);
    expect(watch?.query.get('allowWatchBookmarks')).toBe('true');
    const timeout = Number(watch?.query.get('timeoutSeconds'));
    expect(timeout).toBeGreaterThanOrEqual(300);
    expect(timeout).toBeLessThanOrEqual(600);
    rig.server.store.compact();
    rig.server.bookmark();
    await eventually(() => rig.server.openWatches === 1, 'the watch is open');
    put('b');
    await eventually(() => names().length === 2, 'b arrives');
    rig.server.breakWatches('end');
    put('c');
    await eventually(() => names().length === 3, 'c arrives');
    expect(listCalls()).toBe(1);
  });

  it('hands out objects that cannot be changed', async () => {
    put('a');
    await started();
    const cached = informer.list()[0];
    expect(() => {
      if (cached !== undefined) cached.spec.size = 9;
    }).toThrow(TypeError);
  });

  it('tells late subscribers of everything it holds', async () => {
    put('a');
    await started();
    const late: string[] = [];
    const undo = informer.onEvent({ add: (obj) => void late.push(obj.metadata.name) });
    expect(late).toEqual(['a']);
    undo();
    put('b');
    await eventually(() => names().length === 2, 'b arrives');
    expect(late).toEqual(['a']);
  });

  it('finds the children of an owner', async () => {
    const owner = { apiVersion: 'v1', kind: 'Owner', name: 'o', uid: 'uid-1', controller: true };
    const child = { ...widget('child'), metadata: { name: 'child', namespace: 'default', ownerReferences: [owner] } };
    rig.server.store.create(WIDGET_COLLECTION, 'default/child', child);
    await started();
    expect(informer.byIndex(OWNER_INDEX, 'uid-1').map((obj) => obj.metadata.name)).toEqual(['child']);
    expect(() => informer.byIndex('colour', 'red')).toThrow('no index "colour"; there are: ownerUid, size');
  });
});

describe('an informer in trouble', () => {
  it.each(['end', 'reset', 'gone'] as const)('survives watches that %s', async (how) => {
    put('a');
    await started();
    for (let i = 0; i < 5; i++) {
      rig.server.breakWatches(how);
      put(`during-${i}`);
      await eventually(() => names().includes(`during-${i}`), `during-${i} arrives`);
    }
    expect(names().length).toBe(6);
    expect(seen.filter((line) => line.startsWith('add')).length).toBe(6);
  });

  it('survives a server that answers 500, 429, cuts and hangs on list and watch', async () => {
    const hasty = KubeClient.fromKubeConfig(rig.server.kubeConfig(), { userAgent: 'rig/1', timeoutMs: 1_000 });
    informer = informerWith({ client: hasty.resource(WIDGETS) });
    rig.server.inject({ fault: { kind: 'status', code: 500 }, times: 3 });
    rig.server.inject({ fault: { kind: 'status', code: 429, retryAfter: '0' }, times: 2 });
    rig.server.inject({ fault: { kind: 'reset' }, times: 3 });
    rig.server.inject({ fault: { kind: 'blackHole' }, times: 2 });
    put('a');
    await started();
    expect(names()).toEqual(['a']);
    await informer.stop();
    await hasty.close();
  });

  it('waits as long as the server asks before it watches again', async () => {
    await started();
    rig.server.inject({ fault: { kind: 'status', code: 429, retryAfter: '1' }, match: (call) => call.watch });
    const at = performance.now();
    rig.server.breakWatches('reset');
    await eventually(() => rig.server.openWatches === 0, 'the cut is done');
    await eventually(() => rig.server.openWatches === 1, 'the watch is open again');
    expect(performance.now() - at).toBeGreaterThan(990);
  });

  it('lists again when history is forgotten, and tells what vanished meanwhile', async () => {
    put('a');
    put('b');
    await started();
    rig.server.inject({ fault: { kind: 'status', code: 500 }, match: (call) => call.watch, times: 3 });
    rig.server.breakWatches('reset');
    drop('a');
    rig.server.store.compact();
    await eventually(() => seen.includes('delete a'), 'the deletion is told');
    expect(names()).toEqual(['b']);
  });

  it('tells a deletion and a creation when another object took the name unseen', async () => {
    put('a', 1);
    await started();
    rig.server.inject({ fault: { kind: 'status', code: 500 }, match: (call) => call.watch, times: 2 });
    rig.server.breakWatches('reset');
    drop('a');
    put('a', 2);
    rig.server.store.compact();
    await eventually(() => seen.length === 3, 'three events');
    expect(seen).toEqual(['add a=1', 'delete a', 'add a=2']);
  });

  it('gives up a watch that has fallen silent', async () => {
    informer = informerWith({ idleMs: 150 });
    await started();
    const before = rig.server.calls.filter((call) => call.watch).length;
    await eventually(() => rig.server.calls.filter((call) => call.watch).length > before, 'a new watch');
    put('a');
    await eventually(() => names().length === 1, 'a arrives');
  });

  it('takes a repeated event once', async () => {
    rig.server.filter = duplicating;
    await started();
    put('a');
    resize('a', 2);
    drop('a');
    await eventually(() => seen.includes('delete a'), 'the deletion is told');
    expect(seen).toEqual(['add a=1', 'update a 1->2', 'delete a']);
    expect(listCalls()).toBe(1);
  });

  it('lists again when events come out of order', async () => {
    await started();
    rig.server.filter = swapping();
    put('a', 1);
    resize('a', 2);
    await eventually(() => listCalls() === 2, 'a second list');
    await eventually(() => informer.list()[0]?.spec.size === 2, 'the newest state');
  });

  it('heals what a watch never told by a full list now and then', async () => {
    informer = informerWith({ relistMs: 100, watchTimeoutSeconds: 1 });
    await started();
    rig.server.filter = () => [];
    put('a');
    await eventually(() => names().length === 1, 'a is found by the list');
    expect(listCalls()).toBeGreaterThanOrEqual(2);
  });

  it('lists again at once when somebody suspects that it missed something', async () => {
    informer = informerWith({ freshMs: 0 });
    await started();
    rig.server.filter = () => [];
    put('a');
    resize('a', 2);
    expect(listCalls()).toBe(1);
    informer.suspect();
    await eventually(() => names().length === 1, 'a is found by the list');
    await eventually(() => rig.server.openWatches === 1, 'one watch is open');
    rig.server.filter = (event) => [event];
    resize('a', 3);
    await eventually(() => informer.list()[0]?.spec.size === 3, 'the watch goes on');
    expect(listCalls()).toBe(2);
  });

  it('does not list again for suspicions right after a list', async () => {
    informer = informerWith({ freshMs: 600_000 });
    await started();
    for (let time = 0; time < 5; time += 1) informer.suspect();
    put('a');
    await eventually(() => names().length === 1, 'the watch under way tells of a');
    expect(listCalls()).toBe(1);
  });

  it('keeps going when a handler throws, and the other handlers hear all', async () => {
    const other: string[] = [];
    informer.onEvent({
      add: () => {
        throw new Error('a bug');
      },
    });
    informer.onEvent({ add: (obj) => void other.push(obj.metadata.name) });
    await started();
    put('a');
    put('b');
    await eventually(() => other.length === 2, 'both are told');
    expect(seen).toEqual(['add a=1', 'add b=1']);
  });

  it('can be stopped and started again, and leaves no connection behind', async () => {
    put('a');
    await started();
    await informer.stop();
    await eventually(() => rig.server.openWatches === 0, 'no watch is left');
    drop('a');
    put('b');
    await started();
    expect(names()).toEqual(['b']);
    expect(seen).toEqual(['add a=1', 'delete a', 'add b=1']);
  });

  it('rides out a server that goes away and comes back', async () => {
    put('a');
    await started();
    await rig.server.stop();
    put('b');
    await rig.server.listen();
    await eventually(() => names().length === 2, 'b arrives');
  });

  it('stops waiting for the first list when asked to', async () => {
    rig.server.inject({ fault: { kind: 'blackHole' }, times: 100 });
    informer.start();
    await expect(informer.waitForSync(AbortSignal.timeout(50))).rejects.toThrow(/timeout/i);
    expect(informer.hasSynced).toBe(false);
  });
});
