import type { TrainingGoal, TrainingGoalSpec, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { findCondition, isTrue } from '@kriptik/operator/runtime/conditions.ts';
import { isApiError } from '@kriptik/operator/runtime/errors.ts';
import type { SimApiServer } from './api-server.ts';
import type { SimClock } from './clock.ts';
import { budgetOf, objectOf, providerSpec } from './objects.ts';
import type { Act, Deed, Moment, Schedule } from './schedule.ts';
import type { SimTrainer } from './trainer.ts';

const PERSON = 'alice';
const ADMIN = 'admin';

export interface PeopleWorld {
  readonly schedule: Schedule;
  readonly server: SimApiServer;
  readonly clock: SimClock;
  readonly trainersOf: (jobUid: string) => SimTrainer[];
  readonly tell: (text: string) => void;
  readonly hit: (kind: string) => void;
}

/** The people around the operator: they see what the API server shows and do what the schedule says. */
export class People {
  readonly #world: PeopleWorld;
  /** How far each row of deeds has come, and whether its next deed is on its way. */
  readonly #rows: { next: number; due: boolean }[];
  readonly #approving = new Set<string>();
  #approvedAt: number | undefined;

  constructor(world: PeopleWorld) {
    this.#world = world;
    this.#rows = world.schedule.people.map(() => ({ next: 0, due: false }));
    for (const deed of world.schedule.people.flat()) {
      if (deed.when.type === 'at') world.clock.setTimer(deed.when.ms, () => this.look());
    }
  }

  /** Something changed: whose moment has come? */
  look(): void {
    const { schedule, clock } = this.#world;
    for (const [index, deeds] of schedule.people.entries()) {
      const row = this.#rows[index];
      const deed = row === undefined ? undefined : deeds[row.next];
      if (row === undefined || deed === undefined || row.due || !this.#hasCome(deed.when)) continue;
      row.due = true;
      clock.setTimer(deed.afterMs ?? 100, () => {
        row.due = false;
        // Who was about to decide on something that changed meanwhile waits for it to come back.
        if (deed.what.type === 'decide' && this.#awaiting(deed.what.goal) === undefined) return;
        row.next += 1;
        this.#do(deed);
        this.look();
      });
    }
    for (const [index, { approvedAfterMs }] of schedule.goals.entries()) {
      const plan = approvedAfterMs === undefined ? undefined : this.#awaiting(index);
      const digest = plan?.status?.digest;
      if (plan === undefined || digest === undefined || this.#approving.has(digest)) continue;
      this.#approving.add(digest);
      clock.setTimer(approvedAfterMs ?? 0, () => {
        this.#approving.delete(digest);
        if (this.#awaiting(index)?.status?.digest === digest) this.#decide(index, 'Approved');
      });
    }
  }

  #goal(index = 0): TrainingGoal | undefined {
    const name = this.#world.schedule.goals[index]?.name ?? '';
    return this.#world.server.find('traininggoals', `team/${name}`) as TrainingGoal | undefined;
  }

  #plans(index = 0): TrainingPlan[] {
    const name = this.#world.schedule.goals[index]?.name;
    const plans = this.#world.server.list('trainingplans') as TrainingPlan[];
    return plans.filter((plan) => plan.spec.goalRef.name === name);
  }

  #jobs(index = 0): TrainingJob[] {
    const name = this.#world.schedule.goals[index]?.name;
    const jobs = this.#world.server.list('trainingjobs') as TrainingJob[];
    return jobs.filter((job) => job.spec.goalRef.name === name);
  }

  /** Those that people care about. */
  #heeded(index = 0): TrainingPlan[] {
    const amends = this.#world.schedule.goals[index]?.amends === true;
    return this.#plans(index).filter(({ spec }) => amends || spec.amends === undefined);
  }

  /** The newest plan of a goal, if it waits for a decision. */
  #awaiting(index = 0): TrainingPlan | undefined {
    const newest = this.#heeded(index).at(-1);
    return newest?.status?.phase === 'AwaitingApproval' && newest.status.approval === undefined ? newest : undefined;
  }

  #hasCome(when: Moment): boolean {
    const jobs = this.#jobs(when.goal);
    const has = (condition: string): boolean => jobs.some((job) => isTrue(job.status?.conditions, condition));
    switch (when.type) {
      case 'at':
        return this.#world.clock.now() - this.#world.clock.start >= when.ms;
      case 'awaiting':
        return this.#awaiting(when.goal) !== undefined && this.#heeded(when.goal).length >= (when.plans ?? 1);
      case 'jobExists':
        return jobs.length > 0;
      case 'step': {
        const trainers = jobs.flatMap((job) => this.#world.trainersOf(job.metadata.uid));
        if (when.orCondition !== undefined && has(when.orCondition)) return true;
        return trainers.some((trainer) => trainer.step >= when.step);
      }
      case 'condition':
        return has(when.condition);
      case 'reason':
        return jobs.some((job) => findCondition(job.status?.conditions, 'Ready')?.reason === when.reason);
    }
  }

  /** What cannot be done any more, because its object is gone or the API server refuses it, is left. */
  #do({ what }: Deed): void {
    try {
      const freezing = this.#jobs(what.goal).some(({ status }) => status?.phase === 'Freezing');
      this.#act(what);
      this.#world.hit(`people ${what.type}`);
      if (what.type === 'limit' && freezing) this.#world.hit('people limit in a freeze');
      this.#world.tell(`people: ${JSON.stringify(what)}`);
    } catch (error) {
      if (!isApiError(error)) throw error;
      this.#world.tell(`people: ${JSON.stringify(what)} is refused: ${error.message}`);
    }
  }

  #act(what: Act): void {
    const { server, clock } = this.#world;
    switch (what.type) {
      case 'decide':
        this.#decide(what.goal, what.decision);
        return;
      case 'limit':
        this.#editGoal(what.goal, (spec) => ({ ...spec, budget: budgetOf(what.limit) }));
        return;
      case 'suspend':
        this.#editGoal(what.goal, (spec) => ({ ...spec, suspend: what.on }));
        return;
      case 'rewrite':
        this.#editGoal(what.goal, (spec) => ({
          ...spec,
          goal: what.text,
          ...(what.limit === undefined ? {} : { budget: budgetOf(what.limit) }),
        }));
        return;
      case 'scale': {
        const job = this.#jobs(what.goal).at(-1);
        if (job !== undefined) this.#patch(PERSON, 'trainingjobs', job, { spec: { replicas: what.replicas } });
        return;
      }
      case 'terminate': {
        const job = this.#jobs(what.goal).at(-1);
        if (job !== undefined) this.#patch(PERSON, 'trainingjobs', job, { spec: { terminate: true } });
        return;
      }
      case 'delete': {
        const [plural, object] = this.#named(what.kind, what.goal);
        if (object !== undefined) server.delete(PERSON, plural, `team/${object.metadata.name}`);
        return;
      }
      case 'provider':
        server.patch(ADMIN, 'computeproviders', what.provider, 'main', { spec: { enabled: what.enabled } });
        return;
      case 'price':
        server.patch(ADMIN, 'computeproviders', what.provider, 'main', {
          spec: { local: { pricePerHour: what.pricePerHour } },
        });
        return;
      case 'removeProvider': {
        const setup = this.#world.schedule.providers.find((one) => one.name === what.provider);
        server.delete(ADMIN, 'computeproviders', what.provider);
        clock.setTimer(what.backAfterMs, () => {
          if (setup === undefined || server.find('computeproviders', what.provider) !== undefined) return;
          server.create(ADMIN, 'computeproviders', objectOf('ComputeProvider', setup.name, providerSpec(setup)));
        });
        return;
      }
      case 'policy':
        if (server.find('trainingpolicies', 'all') === undefined) {
          server.create(ADMIN, 'trainingpolicies', objectOf('TrainingPolicy', 'all', what.spec));
        } else {
          server.patch(ADMIN, 'trainingpolicies', 'all', 'main', { spec: what.spec });
        }
        return;
    }
  }

  #named(kind: 'goal' | 'plan' | 'job', index: number | undefined) {
    if (kind === 'goal') return ['traininggoals', this.#goal(index)] as const;
    if (kind === 'plan') return ['trainingplans', this.#plans(index).at(-1)] as const;
    return ['trainingjobs', this.#jobs(index).at(-1)] as const;
  }

  #decide(index: number | undefined, decision: 'Approved' | 'Denied'): void {
    const plan = this.#awaiting(index);
    if (plan?.status?.digest === undefined) return;
    const { digest } = plan.status;
    const at = new Date(this.#world.clock.now()).toISOString();
    const approval = { decision, digest, user: PERSON, at, via: 'status' };
    const key = `team/${plan.metadata.name}`;
    this.#world.server.patch(PERSON, 'trainingplans', key, 'status', { status: { approval } });
    if (decision === 'Approved') this.#tellApproval(plan);
  }

  /** What is approved in the moment of another, under one month, and what takes the place of a job. */
  #tellApproval({ spec, metadata }: TrainingPlan): void {
    if (spec.amends !== undefined) this.#world.hit('people approve an amendment');
    const now = this.#world.clock.now();
    const ceiling = this.#world.schedule.policy?.ceilings?.perNamespacePerMonth;
    if (this.#approvedAt === now && ceiling !== undefined) this.#world.hit('people approve two at once in a month');
    this.#approvedAt = now;
    this.#world.tell(`people approve ${metadata.name}`);
  }

  #editGoal(index: number | undefined, change: (spec: TrainingGoalSpec) => TrainingGoalSpec): void {
    const goal = this.#goal(index);
    if (goal !== undefined) this.#patch(PERSON, 'traininggoals', goal, { spec: change(goal.spec) });
  }

  #patch(by: string, plural: string, object: TrainingGoal | TrainingJob, patch: object): void {
    this.#world.server.patch(by, plural, `team/${object.metadata.name}`, 'main', patch);
  }
}
