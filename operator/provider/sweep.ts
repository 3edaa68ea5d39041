import type { ComputeProvider, TrainingJob } from '@kriptik/crds';
import { type Backend, type Instance, keepsNames } from '../backends/backend.ts';
import { errorMessage } from '../runtime/errors.ts';
import type { EventRecorder } from '../runtime/events.ts';
import type { Logger } from '../runtime/log.ts';
import { orphans } from './decide.ts';

/** Between SIGTERM and SIGKILL of an instance nobody accounts for. */
const ORPHAN_GRACE_MS = 10_000;

/** What one sweep of a provider found and did. */
export interface Swept {
  /** Instances without an owner that still run: told to end, not yet seen to be gone. */
  readonly ending: number;
  /** Records of ended ones that were let go. */
  readonly released: number;
  /** Instances that could not be told to end, in words. */
  readonly failures: readonly string[];
}

export interface SweepInput {
  readonly backend: Backend;
  readonly provider: ComputeProvider;
  /** Jobs as the cache knows them. */
  readonly known: readonly TrainingJob[];
  /** Jobs as the API server knows them: a cache may lag behind a launch. */
  readonly fresh: () => Promise<readonly TrainingJob[]>;
  readonly now: () => number;
  readonly events: EventRecorder;
  readonly log: Logger;
}

/**
 * Ends what runs on a provider without any job that accounts for it. A backend lists what this operator made and
 * nothing else. One that cannot be ended does not keep the others from being ended; it is told again by the next sweep,
 * until it is seen to be gone.
 */
export async function sweep(input: SweepInput): Promise<Swept> {
  const { backend, known, fresh, now } = input;
  const instances = await backend.list();
  if (orphans(instances, known, now()).length === 0) return { ending: 0, released: 0, failures: [] };
  const found = orphans(instances, await fresh(), now());
  const failures: string[] = [];
  for (const orphan of found) {
    try {
      await end(input, orphan);
    } catch (error) {
      failures.push(`${orphan.name}: ${errorMessage(error)}`);
    }
  }
  const running = found.filter(({ state }) => state !== 'exited').length;
  return { ending: running, released: found.length - running, failures };
}

/** So long after its release a name is kept even of a job that is gone: an operator that stood still may wake up. */
const KEPT_MS = 86_400_000;

/** Lets go of the names that jobs used which are gone for good. Resolves with how many. */
export async function forget({ backend, fresh, now }: Pick<SweepInput, 'backend' | 'fresh' | 'now'>): Promise<number> {
  if (!keepsNames(backend)) return 0;
  const there = new Set((await fresh()).map(({ metadata }) => metadata.uid));
  return await backend.forgetNames((uid) => !there.has(uid), now() - KEPT_MS);
}

async function end({ backend, provider, events, log }: SweepInput, orphan: Instance): Promise<void> {
  if (orphan.state === 'exited') {
    await backend.release(orphan.name);
    return;
  }
  const { namespace, name } = orphan.job;
  log.warn({ instance: orphan.name, job: `${namespace}/${name}` }, 'ending an instance that no job accounts for');
  const note = `Ending ${orphan.name} of job ${namespace}/${name}: no job accounts for it`;
  events.event(provider, { type: 'Warning', reason: 'OrphanFound', note });
  await backend.terminate(orphan.name, { graceMs: ORPHAN_GRACE_MS });
}
