import {
  type TrainingGoal,
  TrainingGoalResource,
  type TrainingJob,
  TrainingJobResource,
  type TrainingJobStatus,
  type TrainingPlan,
  TrainingPlanResource,
  type TrainingPlanStatus,
} from '@kriptik/crds';
import { loadKubeConfig } from '@kriptik/operator/runtime/kubeconfig.ts';
import { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { waitFor } from '../../support/wait.ts';
import { goalBody, jobBody, planBody, planStatus } from './fixtures.ts';

/** Makes goals, plans and jobs in one namespace with the administrator's rights, as the operator would leave them. */
export class World {
  readonly client: KubeClient;
  readonly namespace: string;

  constructor(kubeconfigPath: string, namespace: string) {
    this.client = KubeClient.fromKubeConfig(loadKubeConfig({ path: kubeconfigPath }), {
      userAgent: 'kriptik-operator/test',
    });
    this.namespace = namespace;
  }

  async goal(name: string, options: Parameters<typeof goalBody>[1] = {}): Promise<TrainingGoal> {
    const body = goalBody(name, options);
    return this.client
      .resource(TrainingGoalResource)
      .apply({ ...body, metadata: { ...body.metadata, namespace: this.namespace } });
  }

  /** A goal with its plan waiting for approval. */
  async planned(
    name: string,
    options: { limit?: string; labels?: Record<string, string> } = {},
  ): Promise<TrainingPlan> {
    const goal = await this.goal(name, options);
    const planName = `${name}-12345678`;
    const body = planBody(planName, { name, uid: goal.metadata.uid }, options.limit);
    const plans = this.client.resource(TrainingPlanResource);
    const wanted = { ...body, metadata: { ...body.metadata, namespace: this.namespace } };
    // Policies that another file installs on the same API server bind a moment before they know their parameters.
    const plan = await waitFor('admission policies that know their parameters', () =>
      plans.apply(wanted).catch((error: unknown) => {
        if (error instanceof Error && error.message.includes('not yet synced')) return undefined;
        throw error;
      }),
    );
    await this.goalStatus(name, { phase: 'AwaitingApproval', planRef: { name: planName, uid: plan.metadata.uid } });
    return this.planStatus(planName, planStatus(options.limit === undefined ? {} : { limit: options.limit }));
  }

  /** A goal whose job has this status. */
  async running(
    name: string,
    status: TrainingJobStatus,
    options: { labels?: Record<string, string> } = {},
  ): Promise<TrainingJob> {
    const plan = await this.planned(name, options);
    const planName = plan.metadata.name;
    const body = jobBody(planName, plan.spec.goalRef, { uid: plan.metadata.uid });
    const job = await this.client
      .resource(TrainingJobResource)
      .apply({ ...body, metadata: { ...body.metadata, namespace: this.namespace } });
    await this.goalStatus(name, { phase: 'Training', jobRef: { name: planName, uid: job.metadata.uid } });
    return this.client
      .resource(TrainingJobResource)
      .status.patch({ namespace: this.namespace, name: planName }, { status });
  }

  planStatus(name: string, status: TrainingPlanStatus): Promise<TrainingPlan> {
    return this.client.resource(TrainingPlanResource).status.patch({ namespace: this.namespace, name }, { status });
  }

  plan(name: string): Promise<TrainingPlan> {
    return this.client.resource(TrainingPlanResource).get({ namespace: this.namespace, name });
  }

  job(name: string): Promise<TrainingJob> {
    return this.client.resource(TrainingJobResource).get({ namespace: this.namespace, name });
  }

  readGoal(name: string): Promise<TrainingGoal> {
    return this.client.resource(TrainingGoalResource).get({ namespace: this.namespace, name });
  }

  goalStatus(name: string, status: object): Promise<TrainingGoal> {
    return this.client.resource(TrainingGoalResource).status.patch({ namespace: this.namespace, name }, { status });
  }
}
