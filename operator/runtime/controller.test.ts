import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { Controller, type ControllerOptions, type ReconcileContext, type Reconciler, watchOf } from './controller.ts';
import { ApiError, TerminalError, WaitingError } from './errors.ts';
import type { Cache, EventHandlers } from './informer.ts';
import { silentLogger } from './log.ts';
import { RuntimeMetrics } from './metrics.ts';
import { Store } from './store.ts';
import { WIDGETS, type Widget, widget } from './testing/objects.ts';
import type { KubeObject, ObjectKey, ResourceType } from './types.ts';

/** A cache filled by hand. */
class HandCache<T extends KubeObject> implements Cache<T> {
  readonly resource: ResourceType;
  readonly #store = new Store<T>();
  readonly handlers = new Set<EventHandlers<T>>();
  hasSynced = true;
  suspicions = 0;

  constructor(resource: ResourceType) {
    this.resource = resource;
  }

  get(key: ObjectKey): T | undefined {
    return this.#store.get(key);
  }
  list(): T[] {
    return this.#store.list();
  }
  byIndex(name: string, value: string): T[] {
    return this.#store.byIndex(name, value);
  }
  countByIndex(name: string, value: string): number {
    return this.#store.countByIndex(name, value);
  }
  onEvent(handlers: EventHandlers<T>): () => void {
    this.handlers.add(handlers);
    for (const obj of this.list()) handlers.add?.(obj);
    return () => void this.handlers.delete(handlers);
  }
  waitForSync(): Promise<void> {
    return Promise.resolve();
  }
  start(): void {}
  stop(): Promise<void> {
    return Promise.resolve();
  }
  suspect(): void {
    this.suspicions += 1;
  }
  put(obj: T): void {
    for (const change of this.#store.put(obj)) {
      for (const handlers of this.handlers) {
        if (change.type === 'update') handlers.update?.(change.old, change.obj);
        else handlers[change.type]?.(change.obj);
      }
    }
  }
}

let clock: FakeClock;
let widgets: HandCache<Widget>;
let stopper: AbortController;
let metrics: RuntimeMetrics;
const running: Promise<void>[] = [];

beforeEach(() => {
  clock = new FakeClock();
  widgets = new HandCache<Widget>(WIDGETS);
  stopper = new AbortController();
  metrics = new RuntimeMetrics();
});

afterEach(async () => {
  stopper.abort(new Error('test over'));
  await clock.advance(0);
  await Promise.all(running.splice(0));
});

async function run(reconcile: Reconciler['reconcile'], options: Partial<ControllerOptions> = {}): Promise<Controller> {
  const controller = new Controller({
    name: 'test',
    informer: widgets,
    reconciler: { reconcile },
    clock,
    log: silentLogger(),
    metrics,
    ...options,
  });
  running.push(controller.run(stopper.signal));
  await clock.advance(0);
  return controller;
}

let version = 0;
const stored = (name: string, more: Partial<Widget['metadata']> = {}): Widget => {
  version += 1;
  const base = widget(name);
  return { ...base, metadata: { ...base.metadata, uid: name, resourceVersion: String(version), ...more } };
};

const results = async (): Promise<string> =>
  await metrics.registry.getSingleMetricAsString('controller_runtime_reconcile_total');

describe('what a reconcile ends with', () => {
  const outcomes = [
    {
      what: 'nothing: it is forgotten',
      outcome: () => Promise.resolve(),
      retries: 0,
      dueMs: undefined,
      result: 'success',
    },
    {
      what: 'requeueAfterMs',
      outcome: () => Promise.resolve({ requeueAfterMs: 700 }),
      retries: 0,
      dueMs: 700,
      result: 'requeue_after',
    },
    { what: 'an error: backoff', outcome: () => Promise.reject(new Error('x')), retries: 1, dueMs: 5, result: 'error' },
    {
      what: 'a terminal error: no retry',
      outcome: () => Promise.reject(new TerminalError('x')),
      retries: 0,
      dueMs: undefined,
      result: 'terminal',
    },
    {
      what: 'a waiting error',
      outcome: () => Promise.reject(new WaitingError('x', 900)),
      retries: 0,
      dueMs: 900,
      result: 'requeue_after',
    },
    {
      what: 'a conflict: backoff',
      outcome: () => Promise.reject(new ApiError({ status: 409, reason: 'Conflict', message: 'x' })),
      retries: 1,
      dueMs: 5,
      result: 'error',
    },
    {
      what: 'a throw before the first await',
      outcome: () => {
        throw new Error('bug');
      },
      retries: 1,
      dueMs: 5,
      result: 'error',
    },
    {
      what: 'a rejection with no error object',
      outcome: () => Promise.reject('text'),
      retries: 1,
      dueMs: 5,
      result: 'error',
    },
  ];

  it('doubts its cache when a key meets nothing but conflicts, and not for a race', async () => {
    const conflict = new ApiError({ status: 409, reason: 'Conflict', message: 'x' });
    let raced = false;
    let stale = true;
    await run(({ name }) => {
      if (name === 'raced' && raced) return Promise.resolve();
      if (name === 'raced') raced = true;
      return stale ? Promise.reject(conflict) : Promise.resolve();
    });
    widgets.put(stored('raced'));
    await clock.advance(5_000);
    expect(widgets.suspicions).toBe(0);
    widgets.put(stored('stale'));
    await clock.advance(1_900);
    expect(widgets.suspicions).toBe(0);
    await clock.advance(1_500);
    expect(widgets.suspicions).toBe(1);
    stale = false;
    await clock.advance(60_000);
    expect(widgets.suspicions).toBe(1);
  });

  it.each(outcomes)('$what', async ({ outcome, retries, dueMs, result }) => {
    let calls = 0;
    const controller = await run(() => {
      calls += 1;
      return calls === 1 ? outcome() : Promise.resolve();
    });
    widgets.put(stored('a'));
    await clock.advance(0);
    expect(calls).toBe(1);
    expect(controller.queue.retries('default/a')).toBe(retries);
    expect(await results()).toContain(`controller="test",result="${result}"} 1`);
    if (dueMs === undefined) {
      await clock.advance(3_000_000);
      expect(calls).toBe(1);
      return;
    }
    await clock.advance(dueMs - 1);
    expect(calls).toBe(1);
    await clock.advance(1);
    expect(calls).toBe(2);
    expect(controller.queue.retries('default/a')).toBe(0);
  });

  it('backs off further with each failure of a key, and never harms another key', async () => {
    const at: number[] = [];
    const good: number[] = [];
    await run((key) => {
      if (key.name === 'good') {
        good.push(clock.now());
        return Promise.resolve({ requeueAfterMs: 1_000 });
      }
      at.push(clock.now());
      return Promise.reject(new Error('always'));
    });
    widgets.put(stored('bad'));
    widgets.put(stored('good'));
    await clock.advance(10_000);
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(gaps.slice(0, 6)).toEqual([5, 10, 20, 40, 80, 160]);
    expect(good.length).toBe(11);
  });
});

describe('what leads to a reconcile', () => {
  const OWNED: ResourceType<Widget> = { ...WIDGETS, plural: 'parts', kind: 'Part' };
  const owner = (name: string, more: object = {}) => ({
    apiVersion: 'testing.example/v1',
    kind: 'Widget',
    name,
    uid: name,
    controller: true,
    ...more,
  });

  const record = (): { keys: string[]; reconcile: Reconciler['reconcile'] } => {
    const keys: string[] = [];
    return { keys, reconcile: (key) => Promise.resolve(void keys.push(`${key.namespace}/${key.name}`)) };
  };

  it('a change of the object, an owned one, or one that is watched', async () => {
    const { keys, reconcile } = record();
    const parts = new HandCache<Widget>(OWNED);
    const settings = new HandCache<Widget>({ ...WIDGETS, kind: 'Setting' });
    await run(reconcile, {
      owns: [parts],
      watches: [watchOf(settings, (obj) => [{ namespace: 'default', name: `of-${obj.metadata.name}` }])],
    });
    widgets.put(stored('a'));
    parts.put(stored('p', { ownerReferences: [owner('b')] }));
    settings.put(stored('s'));
    await clock.advance(0);
    expect(keys.sort()).toEqual(['default/a', 'default/b', 'default/of-s']);
  });

  it('not a part of another kind, of another group, or of an owner that does not control it', async () => {
    const { keys, reconcile } = record();
    const parts = new HandCache<Widget>(OWNED);
    await run(reconcile, { owns: [parts] });
    parts.put(stored('p1', { ownerReferences: [owner('x', { kind: 'Gadget' })] }));
    parts.put(stored('p2', { ownerReferences: [owner('x', { apiVersion: 'other.example/v1' })] }));
    parts.put(stored('p3', { ownerReferences: [owner('x', { controller: false })] }));
    parts.put(stored('p4'));
    await clock.advance(0);
    expect(keys).toEqual([]);
  });

  it('a part that changes hands concerns the old and the new owner', async () => {
    const { keys, reconcile } = record();
    const parts = new HandCache<Widget>(OWNED);
    await run(reconcile, { owns: [parts] });
    parts.put(stored('p', { ownerReferences: [owner('b')] }));
    await clock.advance(0);
    parts.put(stored('p', { ownerReferences: [owner('c')] }));
    await clock.advance(0);
    expect(keys).toEqual(['default/b', 'default/b', 'default/c']);
  });

  it('the resync, at low priority, again and again', async () => {
    const { keys, reconcile } = record();
    await run(reconcile, { resyncMs: 60_000 });
    widgets.put(stored('a'));
    await clock.advance(120_000);
    expect(keys).toEqual(['default/a', 'default/a', 'default/a']);
  });
});

describe('running', () => {
  it('never reconciles a key twice at once, and different keys at the same time', async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    let calls = 0;
    await run(
      async (key) => {
        calls += 1;
        const gate = Promise.withResolvers<void>();
        gates.set(key.name, gate);
        await gate.promise;
      },
      { workers: 4 },
    );
    widgets.put(stored('a'));
    widgets.put(stored('b'));
    await clock.advance(0);
    widgets.put(stored('a'));
    await clock.advance(0);
    expect(calls).toBe(2);
    gates.get('a')?.resolve();
    await clock.advance(0);
    expect(calls).toBe(3);
    gates.get('a')?.resolve();
    gates.get('b')?.resolve();
  });

  it('looks at what is urgent in time while all usual workers are held up', async () => {
    const looks: [string, number][] = [];
    const start = clock.now();
    await run(
      async ({ name }, { signal }) => {
        looks.push([name, clock.now() - start]);
        if (name !== 'near-its-limit') await clock.sleep(60_000, signal);
        return { requeueAfterMs: 120_000, urgentAfterMs: 5_000 };
      },
      { workers: 3, urgentWorkers: 1 },
    );
    widgets.put(stored('near-its-limit'));
    await clock.advance(0);
    for (const name of ['hung-1', 'hung-2', 'hung-3']) widgets.put(stored(name));
    await clock.advance(5_000);
    expect(looks.filter(([name]) => name === 'near-its-limit').map(([, at]) => at)).toEqual([0, 5_000]);
  });

  it('stops: aborts the signal and waits for the reconcile under way', async () => {
    const order: string[] = [];
    const controller = await run(async (_key, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      order.push('reconcile ended');
    });
    widgets.put(stored('a'));
    await clock.advance(0);
    await controller.stop().then(() => order.push('stopped'));
    expect(order).toEqual(['reconcile ended', 'stopped']);
    expect(widgets.handlers.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('aborts the signal of a reconcile that takes too long', async () => {
    const reasons: string[] = [];
    await run(
      async (_key, { signal }) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        reasons.push(String(signal.reason));
      },
      { reconcileTimeoutMs: 1_000 },
    );
    widgets.put(stored('a'));
    await clock.advance(1_000);
    expect(reasons).toEqual(['Error: the reconcile took too long']);
  });

  it('looks at an update of a watched object only where it concerns it', async () => {
    const others = new HandCache<Widget>(WIDGETS);
    const seen: string[] = [];
    const map = (obj: Widget): ObjectKey[] => [{ namespace: 'default', name: `of-${obj.metadata.name}` }];
    const labelled = (before: Widget, after: Widget): boolean => before.metadata.labels !== after.metadata.labels;
    await run((key) => Promise.resolve(void seen.push(key.name)), { watches: [watchOf(others, map, labelled)] });
    others.put(stored('a'));
    await clock.advance(0);
    others.put(stored('a'));
    await clock.advance(0);
    expect(seen).toEqual(['of-a']);
    others.put(stored('a', { labels: { tier: 'gold' } }));
    await clock.advance(0);
    expect(seen).toEqual(['of-a', 'of-a']);
  });

  it('puts a key off while the cache lags behind our own write of it', async () => {
    let behind = true;
    const keys: string[] = [];
    const ownWrites = { isBehind: (key: ObjectKey) => behind && key.name === 'a' };
    await run((key) => Promise.resolve(void keys.push(key.name)), { ownWrites });
    widgets.put(stored('a'));
    widgets.put(stored('b'));
    await clock.advance(200);
    expect(keys).toEqual(['b']);
    behind = false;
    await clock.advance(20);
    expect(keys).toEqual(['b', 'a']);
  });

  it('gives each reconcile its own id', async () => {
    const contexts: ReconcileContext[] = [];
    await run((_key, context) => Promise.resolve(void contexts.push(context)));
    widgets.put(stored('a'));
    await clock.advance(0);
    widgets.put(stored('a'));
    await clock.advance(0);
    expect(contexts.length).toBe(2);
    expect(new Set(contexts.map(({ reconcileId }) => reconcileId)).size).toBe(2);
  });
});
