import type { ComputeProvider, ComputeProviderStatus, TrainingJob } from '@kriptik/crds';
import type { ProbeResult } from '../backends/backend.ts';
import { isBackendError } from '../backends/errors.ts';
import { formatMoney } from '../money.ts';
import type { ProviderOffer } from '../planner/types.ts';
import { patchStatusIfChanged } from '../runtime/apply.ts';
import type { Clock } from '../runtime/clock.ts';
import { findCondition } from '../runtime/conditions.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../runtime/controller.ts';
import type { EventRecorder } from '../runtime/events.ts';
import type { Cache } from '../runtime/informer.ts';
import type { ResourceClient } from '../runtime/resource.ts';
import type { ObjectKey } from '../runtime/types.ts';
import { decideProvider } from './decide.ts';
import { type Market, offersOfProvider } from './offers.ts';
import type { ProviderRegistry } from './registry.ts';
import { forget, type Swept, sweep } from './sweep.ts';

export interface ProviderDependencies {
  readonly client: ResourceClient<ComputeProvider>;
  readonly jobClient: ResourceClient<TrainingJob>;
  readonly providers: Cache<ComputeProvider>;
  readonly jobs: Cache<TrainingJob>;
  readonly registry: ProviderRegistry;
  readonly market: Market;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

/** Between two probes of a provider that is ready, and of one that is not. In ms. */
const PROBE_MS = { ready: 60_000, notReady: 15_000 };

/** Between two looks at instances without an owner that were told to end. In ms. */
const ENDING_MS = 5_000;

/** Between two sweeps at least, in ms: each lists everything, and a job that runs changes every few seconds. */
const SWEEP_MS = 10_000;

/** Between two looks for names that can be let go, in ms: a day is waited for each of them. */
const FORGET_MS = 3_600_000;

/** What is offered, with how many there are where the provider has counted them. */
function gpusOf(
  offers: readonly ProviderOffer[],
  probe: ProbeResult | undefined,
): NonNullable<ComputeProviderStatus['gpus']> {
  const counted = probe?.ready === true ? new Map(probe.gpus.map(({ gpu, count }) => [gpu, count])) : undefined;
  return offers.slice(0, MOST_GPUS).map(({ gpu, counts, unitPricePerHour }) => ({
    gpu,
    count: counted?.get(gpu) ?? counts.at(-1) ?? 1,
    pricePerHour: formatMoney(unitPricePerHour),
  }));
}

/** GPU types listed in a status. */
const MOST_GPUS = 64;

/** Probes a provider, says whether it is ready and why not, and ends what runs there without an owner. */
export class ProviderReconciler implements Reconciler {
  readonly #deps: ProviderDependencies;
  /** Answers to recent probes: a job that starts or ends is no reason to ask again. */
  readonly #probes = new Map<string, { readonly key: string; readonly at: number; readonly result: ProbeResult }>();
  /** When each provider may be swept again, epoch ms. */
  readonly #sweeps = new Map<string, { readonly key: string; readonly next: number }>();

  /** When names of each provider may be let go of again, epoch ms. */
  readonly #forgets = new Map<string, number>();

  constructor(deps: ProviderDependencies) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const { providers, market, clock, client, jobs } = this.#deps;
    const provider = providers.get(key);
    if (provider === undefined) return {};
    const probe = await this.#probe(provider);
    const status = decideProvider({
      now: clock.now(),
      provider,
      probe,
      gpus: gpusOf(offersOfProvider(provider, market), probe),
      instances: jobs
        .list()
        .flatMap((job) => job.status?.attempts ?? [])
        .filter((attempt) => attempt.state !== 'Gone' && attempt.provider === provider.metadata.name).length,
    });
    await patchStatusIfChanged(client, provider, status, { signal: context.signal });
    const before = findCondition(provider.status?.conditions, 'Ready');
    const after = findCondition(status.conditions, 'Ready');
    if (after !== undefined && (before?.status !== after.status || before.reason !== after.reason)) {
      this.#deps.events.event(provider, {
        type: after.status === 'True' ? 'Normal' : 'Warning',
        reason: after.reason,
        note: after.message,
      });
    }
    const usual = after?.status === 'True' ? PROBE_MS.ready : PROBE_MS.notReady;
    return { requeueAfterMs: Math.min(usual, await this.#sweepWhenDue(provider, usual, context)) };
  }

  /** Resolves with the ms until the next sweep. */
  async #sweepWhenDue(provider: ComputeProvider, usual: number, context: ReconcileContext): Promise<number> {
    const { name, uid, generation } = provider.metadata;
    const key = `${uid}/${generation}`;
    const known = this.#sweeps.get(name);
    const wait = known?.key === key ? known.next - this.#deps.clock.now() : 0;
    if (wait > 0) return wait;
    const swept = await this.#sweep(provider, context);
    for (const failure of swept?.failures ?? []) context.log.error({ failure }, 'an instance could not be ended');
    const ending = swept !== undefined && swept.ending > 0;
    this.#sweeps.set(name, { key, next: this.#deps.clock.now() + (ending ? ENDING_MS : SWEEP_MS) });
    return ending ? ENDING_MS : usual;
  }

  async #probe(provider: ComputeProvider): Promise<ProbeResult | undefined> {
    const { name, uid, generation } = provider.metadata;
    const key = `${uid}/${generation}`;
    const now = this.#deps.clock.now();
    const known = this.#probes.get(name);
    // A little less than between two probes, so that the one that is due is made.
    const fresh = known === undefined ? 0 : 0.9 * (known.result.ready ? PROBE_MS.ready : PROBE_MS.notReady);
    if (known?.key === key && now - known.at < fresh) return known.result;
    const result = await this.#ask(provider);
    if (result !== undefined) this.#probes.set(name, { key, at: now, result });
    return result;
  }

  async #ask(provider: ComputeProvider): Promise<ProbeResult | undefined> {
    try {
      return await this.#deps.registry.runtime(provider)?.backend.probe();
    } catch (error) {
      if (!isBackendError(error)) throw error;
      return { ready: false, reason: error.kind, message: error.message, remedy: error.remedy };
    }
  }

  async #sweep(provider: ComputeProvider, context: ReconcileContext): Promise<Swept | undefined> {
    const { registry, jobs, jobClient, clock, events } = this.#deps;
    try {
      const backend = registry.runtime(provider)?.backend;
      if (backend === undefined) return undefined;
      const fresh = async () => (await jobClient.list({ signal: context.signal })).items;
      const now = () => clock.now();
      const { name } = provider.metadata;
      if (now() >= (this.#forgets.get(name) ?? 0)) {
        const forgotten = await forget({ backend, fresh, now });
        this.#forgets.set(name, now() + FORGET_MS);
        if (forgotten > 0) context.log.info({ forgotten }, 'names of jobs that are gone were let go');
      }
      return await sweep({ backend, provider, known: jobs.list(), fresh, now, events, log: context.log });
    } catch (error) {
      // The probe says what is wrong; at the next one it is tried again.
      if (!isBackendError(error)) throw error;
      context.log.warn({ err: error, remedy: error.remedy }, 'what runs on the provider could not be listed');
      return undefined;
    }
  }
}
