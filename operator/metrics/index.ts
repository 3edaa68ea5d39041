import type { Attempt, ComputeProvider, TrainingGoal, TrainingJob, TrainingPlan, TrainingReceipt } from '@kriptik/crds';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../runtime/clock.ts';
import type { Cache } from '../runtime/informer.ts';
import { gauges } from './definitions.ts';
import { fleetSamples } from './fleet.ts';
import type { Samples } from './samples.ts';

/** Caches the figures are taken from. */
export interface FleetCaches {
  readonly goals: Cache<TrainingGoal>;
  readonly plans: Cache<TrainingPlan>;
  readonly jobs: Cache<TrainingJob>;
  readonly receipts: Cache<TrainingReceipt>;
  readonly providers: Cache<ComputeProvider>;
}

/** One scrape reads all gauges within a moment: the objects are walked once for all of them. */
const SCRAPE_MS = 100;

/** Seconds. A freeze is a checkpoint and a teardown: from moments to many minutes with a large model. */
const FREEZE_BUCKETS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800];

/** Exports the fleet's figures into `registry`: gauges at each scrape, counters as attempts end. */
export function exportFleet(registry: Registry, caches: FleetCaches, clock: Clock): void {
  let last: { at: number; samples: Samples } | undefined;
  const samples = (): Samples => {
    const now = clock.now();
    if (last === undefined || Math.abs(now - last.at) > SCRAPE_MS) {
      const { goals, plans, jobs, receipts, providers } = caches;
      const money = { jobs: jobs.list(), receipts: receipts.list() };
      const objects = { goals: goals.list(), plans: plans.list(), ...money, providers: providers.list() };
      last = { at: now, samples: fleetSamples({ ...objects, now }) };
    }
    return last.samples;
  };
  for (const [name, { help, labels }] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const sample of samples().of(name)) this.set(sample.labels, sample.value);
      },
    });
  }
  countEnds(registry, caches.jobs);
}

/** Counts attempts as they are seen to end. What ended before this process began is not counted again. */
function countEnds(registry: Registry, jobs: Cache<TrainingJob>): void {
  const ends = new Counter({
    name: 'kriptik_attempts_total',
    help: 'Attempts that ended, by provider and outcome',
    labelNames: ['provider', 'outcome'],
    registers: [registry],
  });
  const freezes = new Histogram({
    name: 'kriptik_freeze_duration_seconds',
    help: 'From the request of a freeze or pause until the instance was verified absent',
    labelNames: ['reason'],
    buckets: FREEZE_BUCKETS,
    registers: [registry],
  });
  jobs.onEvent({
    update: (old, job) => {
      const open = new Set(old.status?.attempts?.filter(isOpen).map(({ name }) => name));
      const closed = job.status?.attempts?.filter((one) => !isOpen(one) && open.has(one.name)) ?? [];
      for (const attempt of closed) {
        ends.inc({ provider: attempt.provider, outcome: attempt.outcome ?? 'Lost' });
        const freeze = job.status?.freeze ?? old.status?.freeze;
        if (freeze === undefined || attempt.stopReason === undefined || attempt.goneAt === undefined) continue;
        const seconds = (Date.parse(attempt.goneAt) - Date.parse(freeze.requestedAt)) / 1000;
        freezes.observe({ reason: freeze.reason }, Math.max(0, seconds));
      }
    },
  });
}

const isOpen = ({ state }: Attempt): boolean => state !== 'Gone';
