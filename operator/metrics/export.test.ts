import type { TrainingJob } from '@kriptik/crds';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { FakeClock } from '../runtime/clock.ts';
import type { Cache, EventHandlers } from '../runtime/informer.ts';
import { exportFleet, type FleetCaches } from './index.ts';

/** A cache whose objects a test sets. */
class Shelf {
  objects: TrainingJob[] = [];
  handlers: EventHandlers<TrainingJob> = {};

  asCaches(): FleetCaches {
    const empty = { list: () => [] } as unknown as Cache<never>;
    const jobs = {
      list: () => this.objects,
      onEvent: (handlers: EventHandlers<TrainingJob>) => {
        this.handlers = handlers;
        return () => undefined;
      },
    } as unknown as Cache<TrainingJob>;
    return { goals: empty, plans: empty, receipts: empty, providers: empty, jobs };
  }
}

it('forgets what is gone and counts every end once', async () => {
  const registry = new Registry();
  const shelf = new Shelf();
  const clock = new FakeClock();
  exportFleet(registry, shelf.asCaches(), clock);
  const open = makeJob().attempt('Stopping', { stopReason: 'Budget' }).status({ phase: 'Freezing' }).obj();
  shelf.objects = [open];
  expect(await registry.metrics()).toContain('kriptik_jobs{namespace="team",phase="Freezing"} 1');

  const freeze = {
    requestedAt: time(100),
    reason: 'Budget' as const,
    requestId: 'a',
    deadline: time(130),
    limit: '5.00',
  };
  const gone = makeJob()
    .attempt('Gone', { stopReason: 'Budget', outcome: 'Frozen', goneAt: time(112) })
    .status({ phase: 'Frozen', freeze })
    .obj();
  shelf.handlers.update?.(open, gone);
  shelf.handlers.update?.(gone, gone);
  shelf.objects = [gone];
  await clock.advance(1_000);
  const text = await registry.metrics();
  expect(text).not.toContain('phase="Freezing"');
  expect(text).toContain('kriptik_attempts_total{provider="here",outcome="Frozen"} 1');
  expect(text).toContain('kriptik_freeze_duration_seconds_sum{reason="Budget"} 12');
});
