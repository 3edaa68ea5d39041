import type { TrainingGoalSpec, TrainingJob, TrainingPolicySpec } from '@kriptik/crds';
import type { View } from './view.ts';

/** One thing a person does, once the moment has come. */
export interface Deed {
  readonly when: (view: View) => boolean;
  readonly act: (view: View) => void;
}

export interface Scenario {
  readonly name: string;
  readonly goal: TrainingGoalSpec;
  readonly policy?: TrainingPolicySpec;
  /** The limit that was agreed to, where it is lower than the goal's field. */
  readonly agreed?: string;
  readonly deeds: readonly Deed[];
  /** What the run must come to when only the operator is disturbed. */
  readonly end: string;
}

/** With $36 an hour and the fee, a second costs $0.011; all twenty steps take about 25 s. */
const AMPLE = '3.00';
const TIGHT = '0.24';

const goal = (limit: string, text = 'Answer questions of our customers in a friendly tone.'): TrainingGoalSpec => ({
  goal: text,
  budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 },
  constraints: {
    modality: 'llm',
    model: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    method: 'lora',
    providers: ['local'],
    maxSteps: 20,
    checkpointEverySteps: 5,
  },
  data: [{ uri: 'hf://datasets/acme/faq', format: 'hub', rows: 200, revision: 'abc' }],
});

const approve: Deed = {
  when: (view) => view.awaiting !== undefined,
  act: (view) => view.decide('Approved'),
};
const deny: Deed = { ...approve, act: (view) => view.decide('Denied') };
const at = (condition: (view: View) => boolean, act: (view: View) => void): Deed => ({ when: condition, act });
const trained = (step: number) => (view: View) => view.step >= step;
const jobIs =
  (type: string) =>
  (view: View): boolean =>
    view.jobHas(type);
const setLimit = (limit: string) => (view: View) =>
  view.editGoal((spec) => ({ ...spec, budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 } }));
const suspend = (on: boolean) => (view: View) => view.editGoal((spec) => ({ ...spec, suspend: on }));
const scale = (replicas: number) => (view: View) =>
  view.editJob((spec: TrainingJob['spec']) => ({ ...spec, replicas }));

const waitsFor =
  (reason: string) =>
  (view: View): boolean =>
    view.jobWaits(reason);
const approveWithoutProvider: Deed = {
  ...approve,
  act: (view) => {
    view.decide('Approved');
    view.enableProvider(false);
  },
};

const DONE = 'goal Succeeded; plan Approved; job Succeeded with a model';
const GONE = 'nothing';

export const scenarios: readonly [Scenario, ...Scenario[]] = [
  { name: 'finishes', goal: goal(AMPLE), deeds: [approve], end: DONE },
  {
    name: 'approved by policy',
    goal: goal(AMPLE),
    policy: { approval: { autoApproveBelow: '5.00' } },
    deeds: [],
    end: DONE,
  },
  { name: 'freezes', goal: goal(TIGHT), deeds: [approve], end: 'goal Frozen; plan Approved; job Frozen' },
  {
    name: 'freezes and is raised',
    goal: goal(TIGHT),
    deeds: [approve, at(jobIs('Frozen'), setLimit(AMPLE))],
    end: DONE,
  },
  {
    name: 'is raised while it runs',
    goal: goal(TIGHT),
    // So slow an operator that it froze first is raised all the same.
    deeds: [approve, at((view) => trained(6)(view) || jobIs('Frozen')(view), setLimit(AMPLE))],
    end: DONE,
  },
  {
    name: 'is cut while it runs',
    goal: goal(AMPLE),
    deeds: [approve, at(trained(6), setLimit('0.20'))],
    end: 'goal Frozen; plan Approved; job Frozen',
  },
  {
    name: 'is paused and resumed',
    goal: goal(AMPLE),
    deeds: [approve, at(trained(7), scale(0)), at(jobIs('Paused'), scale(1))],
    end: DONE,
  },
  {
    name: 'is suspended and resumed',
    goal: goal(AMPLE),
    deeds: [approve, at(trained(7), suspend(true)), at(jobIs('Paused'), suspend(false))],
    end: DONE,
  },
  {
    name: 'is suspended before approval',
    goal: { ...goal(AMPLE), suspend: true },
    deeds: [approve, at(jobIs('Paused'), suspend(false))],
    end: DONE,
  },
  { name: 'waits for approval', goal: goal(AMPLE), deeds: [], end: 'goal AwaitingApproval; plan AwaitingApproval' },
  {
    name: 'names a lower limit in its text, and has its field cut',
    goal: goal(AMPLE, `Answer questions. Spend at most $${TIGHT}.`),
    agreed: TIGHT,
    deeds: [approve, at(trained(6), setLimit('2.50'))],
    end: 'goal Frozen; plan Approved; job Frozen',
  },
  {
    name: 'needs more than a policy allows',
    goal: goal(AMPLE),
    policy: { ceilings: { perJob: TIGHT }, approval: { autoApproveBelow: '0.20' } },
    deeds: [],
    end: 'goal Planning; plan Blocked',
  },
  {
    name: 'is under the ceiling of a policy, which is lowered while it runs',
    goal: goal(AMPLE),
    policy: { ceilings: { perJob: AMPLE } },
    deeds: [approve, at(trained(6), (view) => view.setPolicy({ ceilings: { perJob: '0.20' } }))],
    end: 'goal Frozen; plan Approved; job Frozen',
  },
  { name: 'is denied', goal: goal(AMPLE), deeds: [deny], end: 'goal Denied; plan Denied' },
  {
    name: 'is changed before approval',
    goal: goal(AMPLE),
    deeds: [
      at(
        (view) => view.awaiting !== undefined,
        (view) => view.editGoal((spec) => ({ ...spec, goal: 'Answer in rhyme.' })),
      ),
      at(
        (view) => view.plans.length === 2 && view.awaiting !== undefined,
        (view) => view.decide('Approved'),
      ),
    ],
    end: 'goal Succeeded; plan Approved; plan Superseded; job Succeeded with a model',
  },
  {
    name: 'is changed while it runs',
    goal: goal(AMPLE),
    deeds: [
      approve,
      at(trained(7), (view) => view.editGoal((spec) => ({ ...spec, goal: 'Answer in rhyme.' }))),
      at(
        (view) => view.plans.length === 2 && view.awaiting !== undefined,
        (view) => view.decide('Approved'),
      ),
    ],
    end: 'goal Succeeded; plan Approved; plan Approved; job Succeeded with a model; job Superseded',
  },
  {
    name: 'is deleted while it waits',
    goal: goal(AMPLE),
    deeds: [
      at(
        (view) => view.awaiting !== undefined,
        (view) => view.deleteGoal(),
      ),
    ],
    end: GONE,
  },
  {
    name: 'is deleted while it runs',
    goal: goal(AMPLE),
    deeds: [approve, at(trained(4), (view) => view.deleteGoal())],
    end: GONE,
  },
  {
    name: 'is deleted while it starts',
    goal: goal(AMPLE),
    deeds: [
      approve,
      at(
        (view) => view.jobs.length > 0,
        (view) => view.deleteGoal(),
      ),
    ],
    end: GONE,
  },
  {
    name: 'is deleted while frozen',
    goal: goal(TIGHT),
    deeds: [approve, at(jobIs('Frozen'), (view) => view.deleteGoal())],
    end: GONE,
  },
  {
    name: 'is deleted while paused',
    goal: goal(AMPLE),
    deeds: [approve, at(trained(4), scale(0)), at(jobIs('Paused'), (view) => view.deleteGoal())],
    end: GONE,
  },
  {
    name: 'is deleted while it freezes',
    goal: goal(TIGHT),
    deeds: [approve, at(waitsFor('Freezing'), (view) => view.deleteGoal())],
    end: GONE,
  },
  {
    name: 'is deleted while no provider is ready',
    goal: goal(AMPLE),
    deeds: [approveWithoutProvider, at(waitsFor('NoProviderReady'), (view) => view.deleteGoal())],
    end: GONE,
  },
  {
    name: 'is paused while no provider is ready',
    goal: goal(AMPLE),
    deeds: [approveWithoutProvider, at(waitsFor('NoProviderReady'), scale(0))],
    end: 'goal Paused; plan Approved; job Paused',
  },
  {
    name: 'waits for a provider',
    goal: goal(AMPLE),
    deeds: [approveWithoutProvider, at(waitsFor('NoProviderReady'), (view) => view.enableProvider(true))],
    end: DONE,
  },
  {
    name: 'is suspended while frozen, and raised',
    goal: goal(TIGHT),
    deeds: [
      approve,
      at(jobIs('Frozen'), suspend(true)),
      at(jobIs('Paused'), setLimit(AMPLE)),
      at(jobIs('Paused'), suspend(false)),
    ],
    end: DONE,
  },
  {
    name: 'is replaced while frozen',
    goal: goal(TIGHT),
    deeds: [
      approve,
      at(jobIs('Frozen'), (view) => view.editGoal(() => goal(AMPLE, 'Answer in rhyme.'))),
      at(
        (view) => view.plans.length === 2 && view.awaiting !== undefined,
        (view) => view.decide('Approved'),
      ),
    ],
    end: 'goal Succeeded; plan Approved; plan Approved; job Succeeded with a model; job Superseded',
  },
];
