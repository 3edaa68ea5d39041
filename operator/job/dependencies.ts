import type {
  ComputeProvider,
  TrainingGoal,
  TrainingJob,
  TrainingPlan,
  TrainingPolicy,
  TrainingReceipt,
} from '@kriptik/crds';
import type { MicroUsd } from '../money.ts';
import type { Market } from '../provider/offers.ts';
import type { ProviderRegistry } from '../provider/registry.ts';
import type { Clock } from '../runtime/clock.ts';
import type { EventRecorder } from '../runtime/events.ts';
import type { Cache } from '../runtime/informer.ts';
import type { ResourceClient } from '../runtime/resource.ts';
import type { KubeObject } from '../runtime/types.ts';
import type { TrainerClient } from '../trainer/client.ts';
import type { JobSettings } from './settings.ts';
import type { Refusal } from './types.ts';

/** Everything the job controller reaches the world through. */
export interface JobDependencies {
  readonly client: ResourceClient<TrainingJob>;
  readonly planClient: ResourceClient<TrainingPlan>;
  readonly receiptClient: ResourceClient<TrainingReceipt>;
  readonly jobs: Cache<TrainingJob>;
  /** What deleted jobs cost. */
  readonly receipts: Cache<TrainingReceipt>;
  readonly plans: Cache<TrainingPlan>;
  readonly goals: Cache<TrainingGoal>;
  readonly providers: Cache<ComputeProvider>;
  readonly policies: Cache<TrainingPolicy>;
  readonly namespaces: Cache<KubeObject>;
  readonly registry: ProviderRegistry;
  readonly market: Market;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly settings: JobSettings;
  readonly trainerClient: (
    endpoint: string,
    token: string,
  ) => Pick<TrainerClient, 'status' | 'checkpoint' | 'cancelCheckpoint' | 'setDeadlineIn'> &
    Partial<Pick<TrainerClient, 'metrics'>>;
  /** A fresh secret for one attempt's control server. */
  readonly newToken: () => string;
  /** Refusals to create, by attempt name; filled by the launch, read by the next look. */
  readonly launchErrors: Map<string, Refusal>;
  /**
   * For which limit, less the hold, this process last moved the provider's own deadline, by attempt name; noted once the
   * provider has taken it. What a predecessor left half done is not known, and is done again.
   */
  readonly hardLimits: Map<string, MicroUsd>;
}
