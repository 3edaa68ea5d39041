import type { TrainingGoal, TrainingGoalSpec, TrainingJob, TrainingPlan, TrainingPolicySpec } from '@kriptik/crds';
import { findCondition, isTrue } from '@kriptik/operator/runtime/conditions.ts';
import type { SimApiServer } from './api-server.ts';
import type { SimProvider } from './provider.ts';

const PERSON = 'alice';
const KEY = 'team/faq';

/** What a person sees and can do: the API server, and how far the training has come. */
export class View {
  readonly #server: SimApiServer;
  readonly #provider: SimProvider;
  readonly #now: () => number;

  constructor(server: SimApiServer, provider: SimProvider, now: () => number) {
    this.#server = server;
    this.#provider = provider;
    this.#now = now;
  }

  get goal(): TrainingGoal | undefined {
    return this.#server.find('traininggoals', KEY) as TrainingGoal | undefined;
  }

  get plans(): TrainingPlan[] {
    return this.#server.list('trainingplans') as TrainingPlan[];
  }

  get jobs(): TrainingJob[] {
    return this.#server.list('trainingjobs') as TrainingJob[];
  }

  get step(): number {
    return this.#provider.runningTrainer?.step ?? 0;
  }

  /** The newest plan, if it waits for a decision. */
  get awaiting(): TrainingPlan | undefined {
    const newest = this.plans.at(-1);
    return newest?.status?.phase === 'AwaitingApproval' && newest.status.approval === undefined ? newest : undefined;
  }

  jobHas(condition: string): boolean {
    return this.jobs.some((job) => isTrue(job.status?.conditions, condition));
  }

  /** What a job's Ready condition gives as its reason. */
  jobWaits(reason: string): boolean {
    return this.jobs.some((job) => findCondition(job.status?.conditions, 'Ready')?.reason === reason);
  }

  decide(decision: 'Approved' | 'Denied'): void {
    const plan = this.awaiting;
    if (plan?.status?.digest === undefined) return;
    const approval = {
      decision,
      digest: plan.status.digest,
      user: PERSON,
      at: new Date(this.#now()).toISOString(),
      via: 'status',
    };
    this.#server.patch(PERSON, 'trainingplans', `team/${plan.metadata.name}`, 'status', { status: { approval } });
  }

  editGoal(change: (spec: TrainingGoalSpec) => TrainingGoalSpec): void {
    const goal = this.goal;
    if (goal !== undefined) this.#server.patch(PERSON, 'traininggoals', KEY, 'main', { spec: change(goal.spec) });
  }

  /** Edits the newest job. */
  editJob(change: (spec: TrainingJob['spec']) => TrainingJob['spec']): void {
    const job = this.jobs.at(-1);
    if (job === undefined) return;
    this.#server.patch(PERSON, 'trainingjobs', `team/${job.metadata.name}`, 'main', { spec: change(job.spec) });
  }

  /** Turns the provider on or off. */
  enableProvider(enabled: boolean): void {
    const { spec } = this.#server.get('computeproviders', 'here');
    this.#server.patch('admin', 'computeproviders', 'here', 'main', { spec: { ...(spec as object), enabled } });
  }

  /** Changes the policy of the scenario. */
  setPolicy(spec: TrainingPolicySpec): void {
    this.#server.patch('admin', 'trainingpolicies', 'all', 'main', { spec });
  }

  deleteGoal(): void {
    this.#server.delete(PERSON, 'traininggoals', KEY);
  }

  /** Where everything stands, in one line; equal lines mean an equal end. */
  summary(hasModel: (uid: string) => boolean): string {
    const jobs = this.jobs.map((job) => {
      const model = hasModel(job.metadata.uid) ? ' with a model' : '';
      return `job ${job.status?.phase ?? 'new'}${job.status?.phase === 'Succeeded' ? model : ''}`;
    });
    const plans = this.plans.map((plan) => `plan ${plan.status?.phase ?? 'new'}`);
    const parts = [
      ...(this.goal === undefined ? [] : [`goal ${this.goal.status?.phase ?? 'new'}`]),
      ...plans.sort(),
      ...jobs.sort(),
    ];
    return parts.length === 0 ? 'nothing' : parts.join('; ');
  }
}
