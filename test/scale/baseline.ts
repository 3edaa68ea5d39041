import { JOBS } from '@kriptik/operator/backends/kubernetes/objects.ts';
import { waitFor } from '../support/wait.ts';
import { NAMESPACE, type ScaleWorld } from './scale-world.ts';
import { atRate, type Spread, spreadOf } from './spread.ts';
import type { Timeline } from './timeline.ts';

export interface Baseline {
  /** From the create call to the pod. */
  readonly created: Spread;
  readonly running: Spread;
  /** From the delete call of each to no pod. */
  readonly gone: Spread;
  readonly wallSeconds: number;
}

/** Plain Jobs, made and deleted by a script at the same rate on the same cluster: what the cluster itself can do. */
export async function measureBaseline(
  scale: ScaleWorld,
  line: Timeline,
  count: number,
  rate: number,
): Promise<Baseline> {
  const jobs = scale.world.client.resource(JOBS);
  const names = Array.from({ length: count }, (_, n) => `plain-${n}`);
  const created = new Map<string, number>();
  const deleted = new Map<string, number>();
  const container = {
    name: 'trainer',
    image: 'none',
    resources: { limits: { cpu: '1', memory: '4Gi' }, requests: { cpu: '1', memory: '4Gi' } },
  };
  const spec = {
    completions: 1,
    parallelism: 1,
    completionMode: 'Indexed',
    backoffLimit: 0,
    template: { spec: { restartPolicy: 'Never', containers: [container] } },
  };
  const began = Date.now();
  await atRate(names, rate, async (name) => {
    created.set(name, Date.now());
    const metadata = { name, namespace: NAMESPACE };
    await jobs.create({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec });
  });
  const lives = () => [...line.pods.values()].filter(({ job }) => created.has(job));
  const all = (done: (life: ReturnType<typeof lives>[number]) => boolean) => () =>
    lives().filter(done).length === count ? true : undefined;
  await waitFor(
    'all plain pods',
    all(({ runningAt }) => runningAt !== undefined),
    { timeoutMs: 600_000 },
  );
  const wallSeconds = (Date.now() - began) / 1000;
  await Promise.all(
    names.map(async (name) => {
      deleted.set(name, Date.now());
      await jobs.delete({ namespace: NAMESPACE, name }, { propagation: 'Foreground', timeoutMs: 120_000 });
    }),
  );
  await waitFor(
    'no plain pods',
    all(({ goneAt }) => goneAt !== undefined),
    { timeoutMs: 600_000 },
  );
  const since = (
    from: ReadonlyMap<string, number>,
    at: (life: ReturnType<typeof lives>[number]) => number | undefined,
  ) => spreadOf(lives().map((life) => (at(life) ?? Number.NaN) - (from.get(life.job) ?? Number.NaN)));
  return {
    created: since(created, ({ createdAt }) => createdAt),
    running: since(created, ({ runningAt }) => runningAt),
    gone: since(deleted, ({ goneAt }) => goneAt),
    wallSeconds,
  };
}
