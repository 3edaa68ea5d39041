import type { Attempt, ComputeProvider, ComputeProviderStatus, TrainingJob } from '@kriptik/crds';
import type { Instance, ProbeResult } from '../backends/backend.ts';
import { setCondition } from '../runtime/conditions.ts';

export interface ProviderObserved {
  readonly now: number;
  readonly provider: ComputeProvider;
  /** What the provider's own machinery said; undefined for a type this operator cannot drive. */
  readonly probe: ProbeResult | undefined;
  /** GPUs on offer with their price. */
  readonly gpus: NonNullable<ComputeProviderStatus['gpus']>;
  /** Attempts of all jobs that may run there. */
  readonly instances: number;
}

/** Status of a provider. The probe's time moves only with its answer: at rest nothing is written. */
export function decideProvider(o: ProviderObserved): ComputeProviderStatus {
  const before = o.provider.status ?? {};
  const generation = o.provider.metadata.generation ?? 0;
  const verdict = verdictOf(o);
  const conditions = setCondition(
    before.conditions ?? [],
    { type: 'Ready', ...verdict, observedGeneration: generation },
    new Date(o.now),
  );
  const changed = conditions !== before.conditions || before.lastProbeTime === undefined;
  return {
    observedGeneration: generation,
    conditions,
    instances: o.instances,
    gpus: [...o.gpus],
    ...trainerOf(o),
    lastProbeTime: changed ? new Date(o.now).toISOString() : (before.lastProbeTime ?? ''),
  };
}

/** What the trainer told, kept while the provider cannot be asked. */
function trainerOf({ probe, provider }: ProviderObserved): Pick<ComputeProviderStatus, 'trainer'> {
  const told = probe?.ready === true ? probe.trainer : provider.status?.trainer;
  return told === undefined ? {} : { trainer: told };
}

function verdictOf(o: ProviderObserved): { status: 'True' | 'False'; reason: string; message: string } {
  if (o.provider.spec.enabled === false)
    return { status: 'False', reason: 'Disabled', message: 'spec.enabled is false' };
  if (o.probe === undefined) {
    const message = `this operator cannot run trainers on ${o.provider.spec.type} yet; use a provider of type local`;
    return { status: 'False', reason: 'Unsupported', message };
  }
  if (!o.probe.ready) {
    return { status: 'False', reason: o.probe.reason, message: `${o.probe.message}. ${o.probe.remedy}` };
  }
  return { status: 'True', reason: 'Ready', message: 'The provider can take work' };
}

/** Instances younger than this are left alone: their identity may not have reached the cache yet. In ms. */
const ORPHAN_AGE_MS = 60_000;

/** One whose outcome is not known yet still needs the record of its instance. */
function isOpen({ state, outcome }: Attempt): boolean {
  return state !== 'Gone' || outcome === undefined;
}

/**
 * Instances that nothing accounts for: no job has an open attempt of that name. Those of a job that is gone,
 * or whose attempt was closed, must not run on.
 */
export function orphans(instances: readonly Instance[], jobs: readonly TrainingJob[], now: number): Instance[] {
  const open = new Set(jobs.flatMap((job) => (job.status?.attempts ?? []).filter(isOpen).map((one) => one.name)));
  return instances.filter((instance) => !open.has(instance.name) && now - (instance.startedAt ?? 0) > ORPHAN_AGE_MS);
}
