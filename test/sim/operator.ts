import {
  ComputeProviderResource,
  TrainingGoalResource,
  TrainingJobResource,
  TrainingPlanResource,
  TrainingPolicyResource,
  TrainingReceiptResource,
} from '@kriptik/crds';
import { type Catalog, loadCatalog } from '@kriptik/operator/catalog/catalog.ts';
import { GoalReconciler } from '@kriptik/operator/goal/reconciler.ts';
import type { IntentParser } from '@kriptik/operator/intent/parsers.ts';
import { JobReconciler } from '@kriptik/operator/job/reconciler.ts';
import type { JobSettings } from '@kriptik/operator/job/settings.ts';
import { LocalDataFacts } from '@kriptik/operator/plan/data-facts.ts';
import { PlanReconciler } from '@kriptik/operator/plan/reconciler.ts';
import { PolicyReconciler } from '@kriptik/operator/policy/reconciler.ts';
import { ProviderReconciler } from '@kriptik/operator/provider/reconciler.ts';
import { ProviderRegistry } from '@kriptik/operator/provider/registry.ts';
import { silentLogger } from '@kriptik/operator/runtime/log.ts';
import type { IndexFunction } from '@kriptik/operator/runtime/store.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import type { TrainerClient } from '@kriptik/operator/trainer/client.ts';
import { createControllers, INDEXES } from '@kriptik/operator/wiring.ts';
import { silentHub } from '../support/silent-hub.ts';
import type { SimApiServer } from './api-server.ts';
import { SimCache } from './cache.ts';
import type { SimClock } from './clock.ts';
import type { Faults } from './faults.ts';
import { type KubeWatched, OPERATOR, SimKube } from './kube.ts';
import { rememberedReading } from './parser.ts';
import { rememberedPrice } from './price.ts';
import type { SimProcess } from './process.ts';
import type { SimProvider } from './provider.ts';
import type { SimStore } from './store.ts';
import type { SimTrainer } from './trainer.ts';

/** Short times, so that a run of minutes is simulated in milliseconds. */
export const simSettings: JobSettings = {
  pollMs: 1_000,
  stopPollMs: 500,
  lateMs: 0,
  progressMs: 6_000,
  assumedCheckpointMs: 1_500,
  assumedStartMs: 3_000,
  teardownMs: 3_000,
  unreachableMs: 8_000,
  startupMs: 15_000,
  pauseMs: 20_000,
  killGraceMs: 2_000,
  maxLost: 3,
  retryMs: 500,
  diagnoseMs: 3_000,
  stuckFloorMs: 10_000,
  stuckFactor: 10,
  deletionPatienceMs: 20_000,
  waitMs: 3_000,
  maxWaitMs: 6_000,
  capacityTimeoutMs: 20_000,
  maxInterrupted: 20,
};

const NAMESPACES: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** How long a call to a trainer that does not answer takes to fail, ms. */
export const CALL_TIMEOUT_MS = 2_000;

/** Part of every token: it must never reach an object or an event. */
export const SECRET = 'hush-hush';

/** Shared by all runs: costly to make, and nothing in them outlives a call. */
const catalog = smallCatalog();
const log = Object.assign(silentLogger(), { child: () => log });

/** What the goals could ask for: to weigh hundreds of models is the planner's business, not that of money. */
function smallCatalog(): Catalog {
  const all = loadCatalog();
  return { ...all, models: all.models.filter(({ id }) => id.startsWith('smollm2-')), families: [], datasets: [] };
}

export interface Surroundings {
  readonly clock: SimClock;
  readonly server: SimApiServer;
  readonly providers: ReadonlyMap<string, SimProvider>;
  readonly storeAt: (uri: string) => SimStore;
  readonly parser: IntentParser;
  readonly faults: Faults;
  readonly watched: KubeWatched;
}

/** Where a job keeps its work on a provider. */
export function storeUri(provider: string, jobUid: string): string {
  return `sim://${provider}/jobs/${jobUid}`;
}

/** Starts the operator's own controllers in a simulated process. */
export function startOperator(process: SimProcess, around: Surroundings): void {
  const { server, providers, storeAt, faults } = around;
  const { clock } = process;
  const kube = new SimKube(server, process, around.watched);
  const cache = <T extends KubeObject>(
    type: ResourceType<T>,
    indexes: Readonly<Record<string, IndexFunction<T>>> = {},
  ): SimCache<T> => new SimCache(type, indexes, server, process, around.clock, faults);
  const caches = {
    goals: cache(TrainingGoalResource),
    plans: cache(TrainingPlanResource, INDEXES.plans),
    jobs: cache(TrainingJobResource, INDEXES.jobs),
    receipts: cache(TrainingReceiptResource, INDEXES.receipts),
    policies: cache(TrainingPolicyResource),
    providers: cache(ComputeProviderResource),
    namespaces: cache(NAMESPACES),
  };
  const registry = new ProviderRegistry({
    local: ({ metadata: { name } }) => {
      const provider = providers.get(name);
      if (provider === undefined) throw new Error(`the schedule has no provider ${name}`);
      const uri = (uid: string): string => storeUri(name, uid);
      return {
        backend: provider.backend(process),
        storeUri: uri,
        openStore: (uid) => storeAt(uri(uid)).reader(process),
      };
    },
  });
  const planClient = kube.resource(TrainingPlanResource);
  const jobClient = kube.resource(TrainingJobResource);
  const market = { catalog, machine: { cpus: 4, memoryBytes: 16 * 2 ** 30 } };
  const events = {
    event: (_about: KubeObject, event: object) => around.watched.sent(JSON.stringify(event)),
  };
  const shared = { ...caches, catalog, market, registry, events, clock, planClient, jobClient };
  let tokens = 0;
  const reconcilers = {
    goal: new GoalReconciler({
      ...shared,
      client: kube.resource(TrainingGoalResource),
      parsers: [around.parser],
      read: rememberedReading(clock),
    }),
    plan: new PlanReconciler({
      ...shared,
      client: planClient,
      facts: new LocalDataFacts(() => Promise.reject(new Error('the simulation has no files'))),
      hub: silentHub(),
      operatorUser: OPERATOR,
      price: rememberedPrice(clock),
    }),
    job: new JobReconciler({
      ...shared,
      client: jobClient,
      receiptClient: kube.resource(TrainingReceiptResource),
      settings: simSettings,
      trainerClient: (endpoint) => trainerClient(process, around, endpoint),
      newToken: () => `${SECRET}-${++tokens}`,
      launchErrors: new Map(),
      hardLimits: new Map(),
    }),
    policy: new PolicyReconciler({ ...shared, client: kube.resource(TrainingPolicyResource) }),
    provider: new ProviderReconciler({ ...shared, client: kube.resource(ComputeProviderResource) }),
  };
  const forever = new AbortController().signal;
  for (const controller of createControllers(caches, reconcilers, { clock, log })) {
    void controller.run(forever);
  }
}

type Client = Pick<TrainerClient, 'status' | 'checkpoint' | 'cancelCheckpoint' | 'setDeadlineIn'>;

function trainerClient(process: SimProcess, { clock, providers }: Surroundings, endpoint: string): Client {
  const name = endpoint.slice('sim://'.length);
  const unreachable = (): Error => new Error('no answer from the trainer');
  const say = <T>(verb: string, effect: boolean, value: (trainer: SimTrainer) => T): Promise<T> =>
    process.call({ target: 'trainer', verb, effect }, unreachable, async () => {
      const trainer = [...providers.values()].map((one) => one.trainer(name)).find((one) => one !== undefined);
      if (trainer?.answers === true) return value(trainer);
      await clock.sleep(CALL_TIMEOUT_MS);
      throw unreachable();
    });
  return {
    status: () => say('status', false, (trainer) => trainer.status()),
    checkpoint: ({ id }) => say('checkpoint', true, (trainer) => trainer.checkpoint(id)),
    cancelCheckpoint: (id) => say('cancel', true, (trainer) => trainer.cancelCheckpoint(id)),
    setDeadlineIn: (seconds) => say('deadline', true, (trainer) => trainer.setDeadlineIn(seconds)),
  };
}
