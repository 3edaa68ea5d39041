/** The runtime against a real kube-apiserver. */
import { randomBytes } from 'node:crypto';
import { CoreV1Api } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { applyIfChanged, patchStatusIfChanged } from './apply.ts';
import { systemClock } from './clock.ts';
import { Controller } from './controller.ts';
import { type ApiError, isConflict, isGone, isInvalid, isNotFound } from './errors.ts';
import { ApiEventRecorder, EVENTS } from './events.ts';
import { addFinalizer, isBeingDeleted, removeFinalizer } from './finalizers.ts';
import { Informer } from './informer.ts';
import { loadKubeConfig } from './kubeconfig.ts';
import { LEASES, LeaderElector } from './leader.ts';
import { silentLogger } from './log.ts';
import { RuntimeMetrics } from './metrics.ts';
import { KubeClient } from './rest.ts';
import { countConnections } from './testing/connections.ts';
import { eventually, WIDGETS, type Widget, widget } from './testing/objects.ts';
import { installWidgets } from './testing/widget-crd.ts';
import { watch } from './watch.ts';

const log = silentLogger();
const clock = systemClock;
const namespace = `runtime-${randomBytes(4).toString('hex')}`;
const metrics = new RuntimeMetrics();
let client: KubeClient;
let uninstall: () => Promise<void>;

const connect = (fieldManager = 'runtime-test'): KubeClient =>
  KubeClient.fromKubeConfig(loadKubeConfig({ path: inject('kubeconfig') }), {
    userAgent: 'runtime-test/1',
    fieldManager,
    metrics,
    qps: Number.POSITIVE_INFINITY,
  });

const named = (name: string, size = 1): Widget => widget(name, size, namespace);
const key = (name: string): { namespace: string; name: string } => ({ namespace, name });

beforeAll(async () => {
  client = connect();
  await client.raw('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });
  uninstall = await installWidgets(client);
});

afterAll(async () => {
  const left = await client.resource(WIDGETS).list({ namespace });
  await Promise.all(
    left.items.map((item) => client.resource(WIDGETS).patch(item.metadata, { metadata: { finalizers: null } })),
  );
  await uninstall();
  await client.raw('DELETE', `/api/v1/namespaces/${namespace}`);
  await client.close();
});

async function informerOf(from = client): Promise<Informer<Widget>> {
  const informer = new Informer({
    client: from.resource(WIDGETS),
    namespace,
    log,
    backoff: { baseMs: 20, maxMs: 200 },
  });
  informer.start();
  await informer.waitForSync();
  return informer;
}

describe('connections', () => {
  it('a hundred calls share one or two connections over HTTP/1.1; the stock client opens one each', async () => {
    const own = countConnections();
    const fresh = connect();
    for (let i = 0; i < 100; i++) await fresh.resource(LEASES).list({ namespace });
    own.stop();
    await fresh.close();
    expect(own.opened).toBeLessThanOrEqual(2);
    expect([...own.protocols]).toEqual(['http/1.1']);

    const stock = countConnections();
    const api = loadKubeConfig({ path: inject('kubeconfig') }).makeApiClient(CoreV1Api);
    for (let i = 0; i < 20; i++) await api.listNamespacedConfigMap({ namespace });
    stock.stop();
    expect(stock.opened).toBe(20);
  });

  it('the version is told', async () => {
    expect((await client.version()).major).toBe('1');
  });
});

describe('objects', () => {
  it('unknown fields and broken rules are refused with the field', async () => {
    const unknown = { ...named('unknown'), spec: { size: 1, colour: 'red' } };
    await expect(client.resource(WIDGETS).create(unknown)).rejects.toThrow(/unknown field "spec.colour"/);
    const error = await client
      .resource(WIDGETS)
      .create(named('bad', -1))
      .catch((thrown: unknown) => thrown);
    expect(isInvalid(error)).toBe(true);
    expect((error as ApiError).details?.causes?.[0]?.field).toBe('spec.size');
    await expect(client.resource(WIDGETS).get(key('bad'))).rejects.toSatisfy(isNotFound);
  });

  it('lists come whole over pages, with type', async () => {
    for (let i = 0; i < 5; i++) await client.resource(WIDGETS).create(named(`page-${i}`));
    const { items } = await client.resource(WIDGETS).list({ namespace, limit: 2 });
    expect(items.filter(({ metadata }) => metadata.name.startsWith('page-')).length).toBe(5);
    expect(items.every(({ kind }) => kind === 'Widget')).toBe(true);
  });

  it('a deletion meant for an object does not hit its successor', async () => {
    const first = await client.resource(WIDGETS).create(named('again'));
    await client.resource(WIDGETS).delete(key('again'));
    await client.resource(WIDGETS).create(named('again'));
    const uid = first.metadata.uid ?? '';
    await expect(client.resource(WIDGETS).delete(key('again'), { preconditions: { uid } })).rejects.toSatisfy(
      isConflict,
    );
  });

  it('server-side apply creates, takes over, drops what is no longer applied, and refuses without force', async () => {
    const widgets = client.resource(WIDGETS);
    const base = { apiVersion: 'testing.example/v1', kind: 'Widget' };
    const labels = { metadata: { ...key('applied'), labels: { one: '1', two: '2' } } };
    await widgets.apply({ ...base, ...labels, spec: { size: 1 } });
    const dropped = await widgets.apply({
      ...base,
      metadata: { ...key('applied'), labels: { one: '1' } },
      spec: { size: 2 },
    });
    expect(dropped.metadata.labels).toEqual({ one: '1' });
    const other = { ...base, metadata: key('applied'), spec: { size: 9 } };
    await expect(widgets.apply(other, { fieldManager: 'other', force: false })).rejects.toSatisfy(isConflict);
    expect((await widgets.apply(other, { fieldManager: 'other' })).spec.size).toBe(9);
    const current = await widgets.get(key('applied'));
    expect(await applyIfChanged(widgets, current, other)).toBe(current);
  });

  it('the scale subresource changes what it points at', async () => {
    await client.resource(WIDGETS).create(named('scaled', 1));
    const scale = await client.resource(WIDGETS).scale.patch(key('scaled'), { spec: { replicas: 4 } });
    expect(scale.spec.replicas).toBe(4);
    expect((await client.resource(WIDGETS).get(key('scaled'))).spec.size).toBe(4);
  });

  it('a finalizer holds a deleted object until it is removed', async () => {
    const widgets = client.resource(WIDGETS);
    await addFinalizer(widgets, await widgets.create(named('held')), 'testing.example/hold');
    await widgets.delete(key('held'));
    const deleted = await widgets.get(key('held'));
    expect(isBeingDeleted(deleted)).toBe(true);
    await removeFinalizer(widgets, deleted, 'testing.example/hold');
    await expect(widgets.get(key('held'))).rejects.toSatisfy(isNotFound);
  });
});

describe('status', () => {
  it('is written once, not again when equal, and never over a change of someone else', async () => {
    const widgets = client.resource(WIDGETS);
    const obj = await widgets.create(named('status'));
    const first = await patchStatusIfChanged(widgets, obj, { ready: true, parts: ['a', 'b'] });
    expect(first.status).toEqual({ ready: true, parts: ['a', 'b'] });
    expect(first.metadata.generation).toBe(1);
    expect(await patchStatusIfChanged(widgets, first, { parts: ['a', 'b'], ready: true })).toBe(first);
    expect((await widgets.get(key('status'))).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    await expect(patchStatusIfChanged(widgets, obj, { ready: false })).rejects.toSatisfy(isConflict);
    const last = await patchStatusIfChanged(widgets, first, { note: 'n' });
    expect(last.status).toEqual({ note: 'n' });
  });
});

describe('watching', () => {
  it('a version from long ago is gone', async () => {
    const stream = watch(client, WIDGETS, { resourceVersion: '1', namespace, signal: new AbortController().signal });
    await expect(stream.next()).rejects.toSatisfy(isGone);
  });

  it('a watch ends at its time limit, after a bookmark', async () => {
    const { metadata } = await client.resource(WIDGETS).list({ namespace });
    const types: string[] = [];
    const options = { ...metadata, namespace, timeoutSeconds: 6, signal: new AbortController().signal };
    const elsewhere = widget(namespace, 1, 'default');
    // A change outside the namespace moves the version on without an event for this watch.
    const onOpen = (): void => void client.resource(WIDGETS).create(elsewhere);
    for await (const event of watch(client, WIDGETS, { ...options, onOpen })) types.push(event.type);
    await client.resource(WIDGETS).delete(elsewhere.metadata);
    expect(types).toContain('BOOKMARK');
  });

  it('an informer follows, survives a 410 by a list, and ends with the state of the server', async () => {
    const spoofed = connect();
    const open = spoofed.stream.bind(spoofed);
    let gone = 0;
    const informer = await informerOf(spoofed);
    await client.resource(WIDGETS).create(named('seen'));
    await eventually(() => informer.get(key('seen')) !== undefined, 'the new object');
    await informer.stop();
    // The next two watches ask for a version the server has forgotten.
    spoofed.stream = (path, request) => {
      gone += 1;
      return open(path, gone > 2 ? request : { ...request, query: { ...request.query, resourceVersion: '1' } });
    };
    await client.resource(WIDGETS).delete(key('seen'));
    const deleted: string[] = [];
    informer.onEvent({ delete: (obj) => void deleted.push(obj.metadata.name) });
    informer.start();
    await eventually(() => gone > 2, 'the watch is open again');
    await client.resource(WIDGETS).create(named('after'));
    await eventually(() => informer.get(key('after')) !== undefined, 'the object made after the 410s');
    expect(deleted).toContain('seen');
    const server = await client.resource(WIDGETS).list({ namespace });
    const versions = (items: Widget[]): string[] =>
      items.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).sort();
    expect(versions(informer.list())).toEqual(versions(server.items));
    await informer.stop();
    await spoofed.close();
  });

  it('a controller brings objects to their state, then writes nothing more', async () => {
    const informer = await informerOf();
    const widgets = client.resource(WIDGETS);
    let [reconciles, writes] = [0, 0];
    const controller = new Controller({
      name: 'integration',
      informer,
      workers: 4,
      clock,
      log,
      reconciler: {
        reconcile: async (at) => {
          reconciles += 1;
          const obj = informer.get(at);
          if (obj?.metadata.name.startsWith('work-') !== true) return;
          const written = await patchStatusIfChanged(widgets, obj, { ready: true, note: `${obj.spec.size}` });
          if (written !== obj) writes += 1;
        },
      },
    });
    const stopper = new AbortController();
    const running = controller.run(stopper.signal);
    const all = Array.from({ length: 30 }, (_, index) => named(`work-${index}`, index));
    await Promise.all(all.map((obj) => widgets.create(obj)));
    const done = (): boolean => all.every((obj) => informer.get(obj.metadata)?.status?.note === `${obj.spec.size}`);
    await eventually(done, 'all are ready');
    // The event of a write may come before its answer: such an object is looked at once more.
    const since = { reconciles: -1, at: 0 };
    const rests = (): boolean => {
      if (since.reconciles !== reconciles) Object.assign(since, { reconciles, at: performance.now() });
      return performance.now() - since.at > 500;
    };
    await eventually(rests, 'nothing is looked at any more');
    expect(writes).toBe(all.length);
    stopper.abort();
    await running;
    await informer.stop();
  });
});

it('of two electors one leads; the other takes over at once when the first stops', async () => {
  const lost: string[] = [];
  const elector = (identity: string): LeaderElector => {
    // Longer than any pause of the machine, and than this test may wait.
    const times = { leaseMs: 600_000, renewDeadlineMs: 400_000, retryMs: 200 };
    return new LeaderElector({
      client,
      namespace,
      name: 'leader',
      identity,
      log,
      clock,
      ...times,
      onLost: (reason) => void lost.push(reason),
    });
  };
  const [a, b] = [elector('a'), elector('b')];
  await a.start();
  const second = b.start();
  await clock.sleep(1_000);
  expect([a.isLeader, b.isLeader]).toEqual([true, false]);
  await a.stop();
  await second;
  expect([a.isLeader, b.isLeader]).toEqual([false, true]);
  expect(b.fencingEpoch).toBe(a.fencingEpoch + 1);
  await b.stop();
  expect(lost).toEqual([]);
  expect((await client.resource(LEASES).get(key('leader'))).spec?.holderIdentity).toBe('');
});

it('events are accepted, and counted when they repeat', async () => {
  const recorder = new ApiEventRecorder({
    client,
    log,
    clock,
    controller: 'testing.example/runtime',
    instance: 'test-0',
  });
  const obj = await client.resource(WIDGETS).create(named('eventful'));
  for (let i = 0; i < 3; i++) {
    recorder.event(obj, { type: 'Warning', reason: 'Tested', note: 'é'.repeat(900), action: 'Testing' });
    await recorder.flush();
  }
  const { items } = await client.resource(EVENTS).list({ namespace });
  const events = items.filter(({ regarding }) => regarding.uid === obj.metadata.uid);
  expect(events.length).toBe(1);
  expect(events[0]).toMatchObject({ reason: 'Tested', type: 'Warning', series: { count: 3 } });
});
