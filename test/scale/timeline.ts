import { type TrainingJob, TrainingJobResource } from '@kriptik/crds';
import { LABEL } from '@kriptik/operator/backends/kubernetes/names.ts';
import { conditionOf, epochOf, PODS, type Pod } from '@kriptik/operator/backends/kubernetes/objects.ts';
import { Informer } from '@kriptik/operator/runtime/informer.ts';
import { createLogger } from '@kriptik/operator/runtime/log.ts';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';

/** What became of a pod, in epoch ms: when the API server told of it, but for `scheduledAt`, which it wrote down itself. */
export interface PodLife {
  readonly name: string;
  /** Name of its Job, which is that of the attempt. */
  readonly job: string;
  readonly createdAt: number;
  /** Whole seconds, rounded down: never later than it was. */
  scheduledAt?: number | undefined;
  runningAt?: number;
  /** Its container ended. */
  endedAt?: number;
  exitCode?: number;
  /** The object is gone: nothing of it holds hardware. */
  goneAt?: number;
}

/** Watches pods and TrainingJobs of a namespace as anybody could, and notes when what happened. */
export class Timeline {
  readonly pods = new Map<string, PodLife>();
  /** By name of the TrainingJob: when each phase was first seen. */
  readonly phases = new Map<string, Map<string, number>>();
  /** By name of the TrainingJob: what it last kept back for its freeze while it cost money, USD. */
  readonly reserves = new Map<string, number>();
  readonly #pods: Informer<Pod>;
  readonly #jobs: Informer<TrainingJob>;

  constructor(client: KubeClient, namespace: string) {
    const log = createLogger({ name: 'timeline', level: 'warn' });
    this.#pods = new Informer<Pod>({ client: client.resource(PODS), log, namespace });
    this.#jobs = new Informer<TrainingJob>({ client: client.resource(TrainingJobResource), log, namespace });
    this.#pods.onEvent({
      add: (pod) => this.#pod(pod),
      update: (_, pod) => this.#pod(pod),
      delete: (pod) => {
        const life = this.#pod(pod);
        life.goneAt = Date.now();
      },
    });
    this.#jobs.onEvent({ add: (job) => this.#phase(job), update: (_, job) => this.#phase(job) });
  }

  async start(): Promise<void> {
    this.#pods.start();
    this.#jobs.start();
    await Promise.all([this.#pods.waitForSync(), this.#jobs.waitForSync()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#pods.stop(), this.#jobs.stop()]);
  }

  jobs(): TrainingJob[] {
    return this.#jobs.list();
  }

  /** Lives of the pods of one Job. */
  podsOf(job: string): PodLife[] {
    return [...this.pods.values()].filter((life) => life.job === job);
  }

  #pod({ metadata, status }: Pod): PodLife {
    const uid = metadata.uid ?? '';
    const job = metadata.labels?.[LABEL.attempt] ?? metadata.labels?.['batch.kubernetes.io/job-name'] ?? '';
    const life = this.pods.get(uid) ?? { name: metadata.name, job, createdAt: Date.now() };
    this.pods.set(uid, life);
    life.scheduledAt ??= epochOf(conditionOf(status?.conditions, 'PodScheduled')?.lastTransitionTime);
    if (status?.phase === 'Running') life.runningAt ??= Date.now();
    const ended = status?.containerStatuses?.[0]?.state?.terminated;
    if (ended !== undefined) {
      life.endedAt ??= Date.now();
      life.exitCode ??= ended.exitCode;
    }
    return life;
  }

  #phase({ metadata, status }: TrainingJob): void {
    const reserve = Number(status?.cost?.reserve ?? 0);
    if (reserve > 0) this.reserves.set(metadata.name, reserve);
    const phase = status?.phase;
    if (phase === undefined) return;
    const seen = this.phases.get(metadata.name) ?? new Map<string, number>();
    this.phases.set(metadata.name, seen);
    if (!seen.has(phase)) seen.set(phase, Date.now());
  }
}
