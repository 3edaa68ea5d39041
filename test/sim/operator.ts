import {
  ComputeProviderResource,
  TrainingGoalResource,
  TrainingJobResource,
  TrainingPlanResource,
  TrainingPolicyResource,
} from '@kriptik/crds';
import { loadCatalog } from '@kriptik/operator/catalog/catalog.ts';
import { GoalReconciler } from '@kriptik/operator/goal/reconciler.ts';
import type { IntentParser } from '@kriptik/operator/intent/parsers.ts';
import { JobReconciler } from '@kriptik/operator/job/reconciler.ts';
import type { JobSettings } from '@kriptik/operator/job/settings.ts';
import { LocalDataFacts } from '@kriptik/operator/plan/data-facts.ts';
import { PlanReconciler } from '@kriptik/operator/plan/reconciler.ts';
import { PolicyReconciler } from '@kriptik/operator/policy/reconciler.ts';
import { ProviderReconciler } from '@kriptik/operator/provider/reconciler.ts';
import { ProviderRegistry } from '@kriptik/operator/provider/registry.ts';
import type { FakeClock } from '@kriptik/operator/runtime/clock.ts';
import { silentLogger } from '@kriptik/operator/runtime/log.ts';
import { RuntimeMetrics } from '@kriptik/operator/runtime/metrics.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import type { TrainerClient } from '@kriptik/operator/trainer/client.ts';
import { createControllers } from '@kriptik/operator/wiring.ts';
import { silentHub } from '../support/silent-hub.ts';
import type { SimApiServer } from './api-server.ts';
import { type Lag, SimCache } from './cache.ts';
import { SimKube } from './kube.ts';
import type { SimProcess } from './process.ts';
import type { SimProvider } from './provider.ts';
import type { SimStore } from './store.ts';

/** Short times, so that a run of minutes is simulated in milliseconds. */
export const simSettings: JobSettings = {
  pollMs: 1_000,
  progressMs: 3_000,
  assumedCheckpointMs: 1_500,
  assumedStartMs: 3_000,
  teardownMs: 3_000,
  unreachableMs: 8_000,
  startupMs: 15_000,
  pauseMs: 20_000,
  killGraceMs: 2_000,
  maxLost: 3,
  retryMs: 500,
  waitMs: 3_000,
};

const NAMESPACES: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** How long a call to a trainer that does not answer takes to fail, ms. */
const CALL_TIMEOUT_MS = 2_000;

/** Shared by all runs: costly to make, and nothing in them outlives a call. */
const catalog = loadCatalog();
const metrics = new RuntimeMetrics();
const log = silentLogger();

export interface Surroundings {
  readonly clock: FakeClock;
  readonly server: SimApiServer;
  readonly provider: SimProvider;
  readonly storeAt: (uri: string) => SimStore;
  readonly parser: IntentParser;
  readonly lag: Lag;
}

/** Starts the operator's own controllers in a simulated process. */
export function startOperator(process: SimProcess, around: Surroundings): void {
  const { server, provider, storeAt } = around;
  const { clock } = process;
  const kube = new SimKube(server, process, metrics);
  const cache = <T extends KubeObject>(type: ResourceType<T>): SimCache<T> =>
    new SimCache(type, server, process, around.clock, around.lag);
  const caches = {
    goals: cache(TrainingGoalResource),
    plans: cache(TrainingPlanResource),
    jobs: cache(TrainingJobResource),
    policies: cache(TrainingPolicyResource),
    providers: cache(ComputeProviderResource),
    namespaces: cache(NAMESPACES),
  };
  const backend = provider.backend(process);
  const storeUri = (uid: string): string => `sim:///jobs/${uid}`;
  const registry = new ProviderRegistry({
    local: () => ({ backend, storeUri, openStore: (uid) => storeAt(storeUri(uid)).reader(process) }),
  });
  const planClient = kube.resource(TrainingPlanResource);
  const jobClient = kube.resource(TrainingJobResource);
  const market = { catalog, machine: { cpus: 4, memoryBytes: 16 * 2 ** 30 } };
  const shared = { ...caches, catalog, market, registry, events: { event: () => {} }, clock, planClient, jobClient };
  let tokens = 0;
  const reconcilers = {
    goal: new GoalReconciler({ ...shared, client: kube.resource(TrainingGoalResource), parsers: [around.parser] }),
    plan: new PlanReconciler({
      ...shared,
      client: planClient,
      facts: new LocalDataFacts(() => Promise.reject(new Error('the simulation has no files'))),
      hub: silentHub(),
      operatorUser: 'operator',
    }),
    job: new JobReconciler({
      ...shared,
      client: jobClient,
      settings: simSettings,
      trainerClient: (endpoint) => trainerClient(process, around, endpoint),
      newToken: () => `token-${++tokens}`,
      launchErrors: new Map(),
    }),
    policy: new PolicyReconciler({ ...shared, client: kube.resource(TrainingPolicyResource) }),
    provider: new ProviderReconciler({ ...shared, client: kube.resource(ComputeProviderResource) }),
  };
  const forever = new AbortController().signal;
  for (const controller of createControllers(caches, reconcilers, { clock, log, metrics })) {
    void controller.run(forever);
  }
}

type Client = Pick<TrainerClient, 'status' | 'checkpoint' | 'setDeadline'>;

function trainerClient(process: SimProcess, { clock, provider }: Surroundings, endpoint: string): Client {
  const unreachable = (): Error => new Error('no answer from the trainer');
  const say = <T>(verb: string, effect: boolean, value: (trainer: NonNullable<Trainer>) => T): Promise<T> =>
    process.call({ target: 'trainer', verb, effect }, unreachable, async () => {
      const trainer = provider.trainerAt(endpoint);
      if (trainer?.answers === true) return value(trainer);
      await clock.sleep(CALL_TIMEOUT_MS);
      throw unreachable();
    });
  return {
    status: () => say('status', false, (trainer) => trainer.status()),
    checkpoint: ({ id }) => say('checkpoint', true, (trainer) => trainer.checkpoint(id)),
    setDeadline: (at) => say('deadline', true, (trainer) => trainer.setDeadline(at)),
  };
}

type Trainer = ReturnType<SimProvider['trainerAt']>;
