import { expect, it } from 'vitest';
import { FakeClock } from './runtime/clock.ts';
import type { Cache } from './runtime/informer.ts';
import { createControllers } from './wiring.ts';

const rest = { reconcile: () => Promise.resolve({}) };
const log = { child: () => log, debug: () => undefined, info: () => undefined, warn: () => undefined } as never;
const reconcilers = { goal: rest, plan: rest, job: rest, policy: rest, provider: rest } as never;

it('a job whose looks failed for long is looked at again within half a minute: something of it may run and cost', () => {
  const kinds = ['goals', 'plans', 'jobs', 'receipts', 'policies', 'providers', 'namespaces'];
  const caches = Object.fromEntries(kinds.map((kind) => [kind, {} as Cache])) as never;
  const controllers = createControllers(caches, reconcilers, { clock: new FakeClock(), log });
  const queue = controllers.find(({ name }) => name === 'job')?.queue;
  const waits = Array.from({ length: 40 }, () => queue?.addRateLimited('team/faq') ?? Number.POSITIVE_INFINITY);
  expect(Math.max(...waits)).toBe(30_000);
  queue?.shutDown();
});
