import { randomBytes } from 'node:crypto';
import { availableParallelism, homedir, hostname, totalmem } from 'node:os';
import {
  ComputeProviderResource,
  TrainingGoalResource,
  TrainingJobResource,
  TrainingPlanResource,
  TrainingPolicyResource,
  TrainingReceiptResource,
} from '@kriptik/crds';
import { Agent } from 'undici';
import { findTrainer } from './backends/local/trainer-install.ts';
import { currentCatalog, overlayPath } from './catalog/overlay.ts';
import { clusterId, requireKinds, whoAmI } from './cluster.ts';
import { GoalReconciler } from './goal/reconciler.ts';
import { hubFrom } from './hub/config.ts';
import { intentParsers } from './intent/parsers.ts';
import { JobReconciler } from './job/reconciler.ts';
import { defaultJobSettings, type JobSettings } from './job/settings.ts';
import { exportFleet } from './metrics/index.ts';
import { LocalDataFacts } from './plan/data-facts.ts';
import { PlanReconciler } from './plan/reconciler.ts';
import { PolicyReconciler } from './policy/reconciler.ts';
import { localDataCheck, TRAINER_SOURCE } from './provider/data-check.ts';
import { kubernetesProviders, podAccessFrom } from './provider/kubernetes.ts';
import { type LocalTrainer, localProviderFactory } from './provider/local.ts';
import { ProviderReconciler } from './provider/reconciler.ts';
import { ProviderRegistry } from './provider/registry.ts';
import { stopTrainers } from './provider/stop.ts';
import { trainerClientsOver } from './provider/trainer-client.ts';
import { steadyClock } from './runtime/clock.ts';
import { exportEventLoopDelay } from './runtime/eventloop.ts';
import { ApiEventRecorder } from './runtime/events.ts';
import { loadKubeConfig } from './runtime/kubeconfig.ts';
import { LeaderElector } from './runtime/leader.ts';
import { createLogger, type Logger } from './runtime/log.ts';
import { Manager } from './runtime/manager.ts';
import { RuntimeMetrics } from './runtime/metrics.ts';
import { KubeClient } from './runtime/rest.ts';
import { secretReader, secretsReader } from './secrets.ts';
import { createCaches, createControllers } from './wiring.ts';

export interface OperatorOptions {
  /** Path of a kubeconfig; without one KUBECONFIG, ~/.kube/config or the pod's service account. */
  readonly kubeconfig?: string | undefined;
  /** Namespace of the lease. */
  readonly namespace?: string;
  /** Elect a leader over a Lease. Off for one operator of one's own. */
  readonly leaderElection?: boolean;
  readonly log?: Logger;
  readonly settings?: Partial<JobSettings>;
  /** How to run trainers on this machine; found by itself without. */
  readonly trainer?: LocalTrainer;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface RunningOperator {
  readonly metrics: RuntimeMetrics;
  /** Settles when the operator ends; rejects with what ended it against its will. */
  readonly done: Promise<void>;
  /** True once all caches have synced. */
  ready(): boolean;
  /** Stops the controllers. Trainers run on, under their own deadlines, until an operator takes them up again. */
  stop(): Promise<void>;
  /** Ends every trainer of this machine with a checkpoint and waits until nothing of them runs. */
  stopTrainers(): Promise<void>;
}

const USER_AGENT = 'kriptik-operator/0.1.0';
/** Calls to the API server: a thousand jobs that freeze at once need them, and its own fairness stands behind. */
const CALLS = { qps: 500, burst: 1_000 };
/** Used when no trainer is installed: the provider's probe then fails and says what to do. */
const MISSING_TRAINER: LocalTrainer = {
  python: 'python3',
  trainerCommand: ['python3', '-m', 'kriptik_trainer'],
  trainerEnv: {},
};

/** Connects, checks what the cluster serves, and starts all controllers. */
export async function startOperator(options: OperatorOptions = {}): Promise<RunningOperator> {
  const { env = process.env, log = createLogger({ name: 'kriptik' }), namespace = 'kriptik-system' } = options;
  const clock = steadyClock((step) =>
    log.warn(step, step.followed ? 'the wall clock was set forward' : 'the wall clock was set; time goes on as before'),
  );
  const metrics = new RuntimeMetrics();
  const kubeconfig = loadKubeConfig(options.kubeconfig === undefined ? {} : { path: options.kubeconfig });
  const client = KubeClient.fromKubeConfig(kubeconfig, { userAgent: USER_AGENT, clock, metrics, ...CALLS });
  await requireKinds(client);
  // Looked up each time: a trainer that is installed while the operator runs is found.
  const trainer = async () => options.trainer ?? (await findTrainer(env, TRAINER_SOURCE)) ?? MISSING_TRAINER;
  // Prices and facts that somebody refreshed count here as they do for `kriptik plan`.
  const catalog = await currentCatalog(overlayPath(env, homedir()));
  const nodes = kubernetesProviders({
    client,
    catalog,
    clock,
    readSecret: secretsReader(client),
    operatorNamespace: namespace,
    podAccess: podAccessFrom(env),
    log,
  });
  const registry = new ProviderRegistry({
    local: localProviderFactory(trainer, await clusterId(client)),
    kubernetes: nodes.factory,
  });
  const market = { catalog, machine: { cpus: availableParallelism(), memoryBytes: totalmem() } };
  const caches = createCaches(client, log);
  exportFleet(metrics.registry, caches, clock);
  const instance = `${hostname()}-${process.pid}`;
  const events = new ApiEventRecorder({
    client,
    log,
    controller: 'training.kriptik.ai/operator',
    instance,
    clock,
    metrics,
  });
  const dispatcher = new Agent({ allowH2: false, connections: 8 });
  const planClient = client.resource(TrainingPlanResource);
  const jobClient = client.resource(TrainingJobResource);
  const readSecret = secretReader(client, namespace);
  const shared = { ...caches, catalog, market, registry, events, clock, planClient, jobClient };
  const reconcilers = {
    goal: new GoalReconciler({
      ...shared,
      client: client.resource(TrainingGoalResource),
      parsers: intentParsers(env, clock, readSecret),
    }),
    plan: new PlanReconciler({
      ...shared,
      client: planClient,
      facts: new LocalDataFacts(localDataCheck(env)),
      hub: hubFrom(env, { now: () => clock.now(), readSecret }),
      operatorUser: await whoAmI(client),
    }),
    job: new JobReconciler({
      ...shared,
      client: jobClient,
      receiptClient: client.resource(TrainingReceiptResource),
      settings: { ...defaultJobSettings, ...options.settings },
      trainerClient: trainerClientsOver(client, dispatcher),
      newToken: () => randomBytes(32).toString('base64url'),
      launchErrors: new Map(),
      hardLimits: new Map(),
    }),
    policy: new PolicyReconciler({ ...shared, client: client.resource(TrainingPolicyResource) }),
    provider: new ProviderReconciler({ ...shared, client: client.resource(ComputeProviderResource) }),
  };
  const stopper = new AbortController();
  void exportEventLoopDelay(metrics, clock, stopper.signal).catch(() => {});
  const lost = Promise.withResolvers<never>();
  const leader =
    options.leaderElection === true
      ? new LeaderElector({
          client,
          namespace,
          name: 'kriptik-operator',
          identity: instance,
          log,
          clock,
          metrics,
          onLost: (reason) => lost.reject(new Error(`leadership lost: ${reason}`)),
        })
      : undefined;
  const manager = new Manager({
    informers: Object.values(caches),
    controllers: createControllers(caches, reconcilers, { clock, log, metrics, attemptChanges: nodes.onChange }),
    leader,
    log,
    clock,
  });
  const done = Promise.race([manager.run(stopper.signal), lost.promise]);
  done.catch(() => {});
  return {
    metrics,
    done,
    ready: () => manager.ready,
    stop: async () => {
      stopper.abort(new Error('the operator was stopped'));
      await done.catch(() => {});
      await nodes.stop();
      await events.flush();
      await dispatcher.destroy();
      await client.close();
    },
    stopTrainers: () => stopTrainers(registry, caches.providers.list(), clock),
  };
}
