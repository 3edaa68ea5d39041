import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Clock, systemClock } from './clock.ts';
import { Controller } from './controller.ts';
import { exportEventLoopDelay } from './eventloop.ts';
import { Informer } from './informer.ts';
import { LEASES, LeaderElector } from './leader.ts';
import { silentLogger } from './log.ts';
import { Manager, type ManagerOptions } from './manager.ts';
import { RuntimeMetrics } from './metrics.ts';
import { eventually, type Rig, startRig, WIDGET_COLLECTION, WIDGETS, type Widget, widget } from './testing/objects.ts';

let rig: Rig;
let informer: Informer<Widget>;
let reconciled: string[];
let stopper: AbortController;
const log = silentLogger();
const clock = systemClock;

beforeEach(async () => {
  rig = await startRig();
  rig.server.store.create(WIDGET_COLLECTION, 'default/a', widget('a'));
  informer = new Informer({ client: rig.client.resource(WIDGETS), log, backoff: { baseMs: 5, maxMs: 50 } });
  reconciled = [];
  stopper = new AbortController();
});

afterEach(async () => {
  stopper.abort();
  await rig.close();
});

const controller = (reconcile: () => Promise<void> = () => Promise.resolve()): Controller =>
  new Controller({
    name: 'test',
    informer,
    clock,
    log,
    reconciler: {
      reconcile: async (key) => {
        reconciled.push(key.name);
        await reconcile();
      },
    },
  });

const manager = (options: Partial<ManagerOptions> = {}): Manager =>
  new Manager({ informers: [informer], controllers: [controller()], log, clock, ...options });

/** Pauses are short and limits long: no lease runs out, however slowly the machine gets on. */
const impatient: Clock = {
  now: () => clock.now(),
  date: () => clock.date(),
  setTimer: (ms, fn) => clock.setTimer(ms, fn),
  sleep: (ms, signal) => clock.sleep(Math.min(ms, 50), signal),
};

const elector = (identity: string, onLost: (reason: string) => void = () => {}): LeaderElector =>
  new LeaderElector({
    client: rig.client,
    namespace: 'kube-system',
    name: 'test',
    identity,
    log,
    clock: impatient,
    leaseMs: 600_000,
    renewDeadlineMs: 300_000,
    retryMs: 60_000,
    onLost,
  });

it('starts everything, reconciles what is there, and stops leaving nothing open', async () => {
  const made = manager();
  const running = made.run(stopper.signal);
  await eventually(() => reconciled.length === 1, 'a is reconciled');
  expect(made.ready).toBe(true);
  stopper.abort();
  await running;
  expect(made.ready).toBe(false);
  await eventually(() => rig.server.openWatches === 0, 'no watch is left');
  rig.server.store.create(WIDGET_COLLECTION, 'default/b', widget('b'));
  expect(reconciled).toEqual(['a']);
});

it('reconciles nothing before all caches have synced', async () => {
  rig.server.inject({ fault: { kind: 'status', code: 500 }, times: 1_000 });
  const running = manager().run(stopper.signal);
  await eventually(() => rig.server.calls.length >= 2, 'the first lists fail');
  expect(reconciled).toEqual([]);
  rig.server.clearFaults();
  await eventually(() => reconciled.length === 1, 'a is reconciled');
  stopper.abort();
  await running;
});

it('works only while it leads; the successor takes over after the work has ended', async () => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const slow = controller(async () => {
    order.push('first begins');
    await gate.promise;
    order.push('first ends');
  });
  const first = manager({ controllers: [slow], leader: elector('first') }).run(stopper.signal);
  await eventually(() => order.length === 1, 'the first works');

  const secondStopper = new AbortController();
  const second = elector('second');
  const leading = second.start().then(() => order.push('second leads'));
  stopper.abort();
  const looks = (): number => rig.server.calls.filter(({ path }) => path.includes('/leases/')).length;
  const before = looks();
  await eventually(() => looks() > before + 8, 'both have looked at the lease');
  expect(order).toEqual(['first begins']);
  gate.resolve();
  await first;
  await leading;
  expect(order).toEqual(['first begins', 'first ends', 'second leads']);
  secondStopper.abort();
  await second.stop();
  expect((await rig.client.resource(LEASES).get({ namespace: 'kube-system', name: 'test' })).spec?.holderIdentity).toBe(
    '',
  );
});

it('does not wait for ever for a reconcile that ignores its signal', async () => {
  const never = new Promise<void>(() => {});
  const running = manager({ controllers: [controller(() => never)], gracePeriodMs: 50 }).run(stopper.signal);
  await eventually(() => reconciled.length === 1, 'a is reconciled');
  stopper.abort();
  await running;
});

it('can be told to stop before it began', async () => {
  stopper.abort();
  await manager({ leader: elector('first') }).run(stopper.signal);
  expect(reconciled).toEqual([]);
});

it('ends with the error of a part that fails by itself', async () => {
  const runnables = [{ run: () => Promise.reject(new Error('port taken')) }];
  await expect(manager({ runnables }).run(stopper.signal)).rejects.toThrow('port taken');
  await eventually(() => rig.server.openWatches === 0, 'no watch is left');
});

it('exports how long the event loop was blocked', async () => {
  const metrics = new RuntimeMetrics();
  const exporting = exportEventLoopDelay(metrics, clock, stopper.signal, 100);
  const blocked = async (): Promise<number> => {
    const until = performance.now() + 120;
    while (performance.now() < until);
    return (await metrics.eventLoopDelay.get()).values[0]?.value ?? 0;
  };
  // More than once: a block during which an interval ends may count for neither.
  await expect.poll(blocked).toBeGreaterThan(0.05);
  stopper.abort();
  await exporting;
});
