import type { ComputeProvider, TrainingJob } from '@kriptik/crds';
import { formatMoney, mulRatio, parseMoney } from '../money.ts';
import type { ProviderOffer } from '../planner/types.ts';
import { findCondition } from '../runtime/conditions.ts';
import { outOfReach } from './store-reach.ts';
import type { ProviderView, StorePlace } from './types.ts';

export interface ProvidersInput {
  readonly job: TrainingJob;
  readonly providers: readonly ComputeProvider[];
  readonly offers: readonly ProviderOffer[];
  /** How many other jobs may run on a provider now. */
  readonly busy: (provider: string) => number;
  /** The store that holds the job's work; absent while nothing was ever written. */
  readonly place?: StorePlace | undefined;
}

/** Instances a provider runs at once when it does not say. */
const DEFAULT_INSTANCES: Partial<Record<ComputeProvider['spec']['type'], number>> = { local: 1 };

/** The approved fail-over order with the present state of each provider in it. */
export function providerViews(input: ProvidersInput): ProviderView[] {
  return input.job.spec.run.resolved.providerOrder.map((approved) => {
    const provider = input.providers.find((candidate) => candidate.metadata.name === approved.provider);
    const view = { name: approved.provider, unitPricePerHour: approved.unitPricePerHour };
    if (provider === undefined) {
      return {
        ...view,
        ready: false,
        reason: 'ProviderMissing',
        message: 'the ComputeProvider does not exist any more',
      };
    }
    return {
      ...view,
      ...readiness(provider, input.busy(approved.provider)),
      ...dearer(input.offers, approved),
      ...capacityTimeout(provider),
      ...reach(input, provider),
    };
  });
}

function readiness(provider: ComputeProvider, busy: number): Pick<ProviderView, 'ready' | 'reason' | 'message'> {
  if (provider.spec.enabled === false) return { ready: false, reason: 'Disabled', message: 'spec.enabled is false' };
  const ready = findCondition(provider.status?.conditions ?? [], 'Ready');
  if (ready?.status !== 'True') {
    return { ready: false, reason: ready?.reason ?? 'NotProbed', message: ready?.message ?? 'not looked at yet' };
  }
  const allowed = provider.spec.limits?.maxInstances ?? DEFAULT_INSTANCES[provider.spec.type];
  if (allowed !== undefined && busy >= allowed) {
    return {
      ready: false,
      reason: 'Busy',
      message: `${busy} of ${allowed} instances are in use; the job waits its turn`,
    };
  }
  return { ready: true, reason: ready.reason, message: ready.message };
}

function reach({ place, providers }: ProvidersInput, provider: ComputeProvider): { outOfReach?: string } {
  if (place === undefined) return {};
  const keeper = providers.find(({ metadata }) => metadata.name === place.provider);
  const why = outOfReach(place, keeper, provider);
  return why === undefined ? {} : { outOfReach: why };
}

function capacityTimeout({ spec }: ComputeProvider): { capacityTimeoutMs?: number } {
  const seconds = spec.kubernetes?.capacityTimeoutSeconds;
  return seconds === undefined ? {} : { capacityTimeoutMs: seconds * 1000 };
}

type Approved = TrainingJob['spec']['run']['resolved']['providerOrder'][number];

/** The price asked now, when it is above the one that was approved. */
function dearer(offers: readonly ProviderOffer[], approved: Approved): { dearer?: string } {
  const offer = offers.find((one) => one.name === approved.provider && one.gpu === approved.gpu);
  if (offer === undefined) return {};
  const price =
    offer.priceUnit === 'gpu' ? mulRatio(offer.unitPricePerHour, approved.gpuCount, 1) : offer.unitPricePerHour;
  return price > parseMoney(approved.unitPricePerHour) ? { dearer: formatMoney(price) } : {};
}
