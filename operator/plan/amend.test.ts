import type { TrainingJob, TrainingJobStatus, TrainingPlan } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { quote, resolved, tiles } from '../../test/integration/crds/valid-plan.ts';
import { makeAmendment, makeGoal, makeJob, makePlan, START, time } from '../../test/support/builders.ts';
import { planDigest } from '../digest.ts';
import { parseMoney } from '../money.ts';
import { noPolicy } from '../planner/policy.ts';
import type { EffectivePolicy, PlanResult } from '../planner/types.ts';
import { amend } from './amend-change.ts';
import { decidePlan } from './decide.ts';
import type { PlanObserved } from './types.ts';

type Recorded = NonNullable<TrainingJobStatus['diagnosis']>[number];
type Phase = 'Failed' | 'Succeeded' | 'Running';

const goal = makeGoal().obj();
const approvedPlan = makePlan(goal).approved();
const jobRef = { name: approvedPlan.obj().metadata.name, uid: makeJob().obj().metadata.uid };
const base = approvedPlan.status({ jobRef }).obj();

const LOWER = { text: 'Halve it', change: 'hyperparameters.learningRate=0.0001', costsMore: false };
const LONGER = { text: 'Warm up', change: 'hyperparameters.warmupRatio=0.06', costsMore: false };
const PIECES = {
  text: 'Smaller pieces',
  change: 'hyperparameters.batchSize=1,hyperparameters.gradientAccumulation=2',
  costsMore: false,
};
const ROWS = { text: 'Look at the rows', costsMore: false };

const finding = (change: Partial<Recorded> = {}): Recorded => ({
  code: 'LossDiverging',
  severity: 'Warning',
  message: 'It rises',
  remedy: 'Halve it',
  at: time(60),
  evidence: [],
  remedies: [LOWER, LONGER, ROWS],
  ...change,
});
const condition = (type: string, reason = type) => ({
  type,
  status: 'True' as const,
  reason,
  message: '',
  lastTransitionTime: time(0),
});
const cost: NonNullable<TrainingJobStatus['cost']> = {
  currency: 'USD',
  limit: '5.00',
  approvedLimit: '5.00',
  spent: '0.00',
  compute: '0.00',
  storage: '0.00',
  platformFee: '0.00',
  reserve: '0.25',
  percentUsed: 0,
  ratePerHour: '6.60',
  asOf: time(0),
};
/** Ran for ten minutes at $6 an hour: $1.10 with the fee. */
const jobWith = (diagnosis: Recorded[], phase: Phase = 'Running', change: TrainingJobStatus = {}): TrainingJob =>
  makeJob(base)
    .attempt('Running', { createdAt: time(0) })
    .status({ diagnosis, cost, conditions: [condition(phase)], ...change })
    .obj();
const NOW = START + 600_000;

const observed = (plan: TrainingPlan, change: Partial<PlanObserved>): PlanObserved => ({
  now: NOW,
  plan,
  goal,
  plans: [base],
  job: undefined,
  records: { jobs: [], receipts: [] },
  proposal: undefined,
  policy: noPolicy,
  operatorUser: 'operator',
  ...change,
});
const proposalOf = (job: TrainingJob, plans: readonly TrainingPlan[] = [base]) => {
  const { action } = decidePlan(observed(base, { job, plans }));
  return action?.type === 'ProposeAmendment' ? action.plan : undefined;
};
/** A proposal as the API server holds it. */
const stored = (
  plan: NonNullable<ReturnType<typeof proposalOf>>,
  status: TrainingPlan['status'] = {},
): TrainingPlan => ({
  ...plan,
  metadata: {
    ...plan.metadata,
    namespace: 'team',
    uid: `uid-${plan.metadata.name}`,
    generation: 1,
    resourceVersion: '1',
  },
  status,
});
const approvalOf = (digest: string) =>
  ({ decision: 'Approved', digest, user: 'a', at: time(0), via: 'status' }) as const;
const denied = { approval: { decision: 'Denied', digest: '', user: 'a', at: time(0), via: 'status' } } as const;

describe('which finding proposes which change', () => {
  it.each([
    { case: 'the first remedy with a change', job: jobWith([finding()]), want: LOWER.change },
    { case: 'that of another code', job: jobWith([finding({ remedies: [ROWS, PIECES] })]), want: PIECES.change },
    { case: 'nothing without findings', job: jobWith([]), want: undefined },
    { case: 'nothing for one that is over', job: jobWith([finding({ resolvedAt: time(90) })]), want: undefined },
    { case: 'nothing for advice', job: jobWith([finding({ remedies: [ROWS] })]), want: undefined },
    { case: 'nothing for what is only worth knowing', job: jobWith([finding({ severity: 'Info' })]), want: undefined },
    {
      case: 'nothing for an error that the job tries to overcome',
      job: jobWith([finding({ severity: 'Error' })]),
      want: undefined,
    },
    {
      case: 'the error a job failed for',
      job: jobWith([finding({ severity: 'Error' })], 'Failed'),
      want: LOWER.change,
    },
    { case: 'nothing for a job that finished', job: jobWith([finding()], 'Succeeded'), want: undefined },
    {
      case: 'nothing where nothing is left',
      job: jobWith([finding()], 'Running', { cost: { ...cost, limit: '1.10' } }),
      want: undefined,
    },
    {
      case: 'the next one where the trainer was told already',
      job: makeJob(base)
        .attempt('Running', { adjustments: PIECES.change.split(',') })
        .status({ cost, diagnosis: [finding({ remedies: [PIECES, LOWER] })] })
        .obj(),
      want: LOWER.change,
    },
    {
      case: 'nothing for a change that is not known',
      job: jobWith([finding({ remedies: [{ ...LOWER, change: 'model.id=other' }] })]),
      want: undefined,
    },
  ])('$case', ({ job, want }) => {
    expect(proposalOf(job)?.spec.amends?.change).toBe(want);
  });

  it('names what it amends and why, for what is left of the budget', () => {
    const made = proposalOf(jobWith([finding()]));
    expect(made?.metadata.name).toMatch(/^faq-[0-9a-f]{8}$/);
    expect(made?.spec.amends).toMatchObject({
      plan: { name: base.metadata.name },
      finding: 'LossDiverging',
      spent: '1.10',
    });
    expect(made?.spec.contract.budget.limit).toBe('3.90');
    expect(made?.spec.contract.inputHash).toBe(base.spec.contract.inputHash);
    expect(made?.spec.contract.constraints).toMatchObject({ learningRate: '0.0001', batchSize: 2, maxSteps: 300 });
    expect(made?.spec.contract.constraints.epochs).toBeUndefined();
    expect(made?.spec.selection).toMatchObject({ model: resolved.model.id, method: 'lora', budget: 'planned' });
  });

  it('is proposed once: not while one is open, not again once denied or withdrawn, and three times at most', () => {
    const job = jobWith([
      finding({ remedies: [LOWER, LONGER, PIECES, { ...LOWER, change: 'hyperparameters.maxLength=256' }] }),
    ]);
    const plans = [base];
    const seen: (string | undefined)[] = [];
    for (const status of [denied, { conditions: [condition('Withdrawn')] }, denied]) {
      const made = proposalOf(job, plans);
      seen.push(made?.spec.amends?.change);
      if (made === undefined) break;
      expect(proposalOf(job, [...plans, stored(made)])).toBeUndefined();
      plans.push(stored(made, status));
    }
    expect(seen).toEqual([LOWER.change, LONGER.change, PIECES.change]);
    expect(proposalOf(job, plans)).toBeUndefined();
  });

  it('is not proposed for a plan that no longer stands for its goal', () => {
    const edited = makeGoal().text('Rhyme.').obj();
    const plans = [base, makePlan(edited).obj()];
    const decision = decidePlan(observed(base, { goal: edited, plans, job: jobWith([finding()]) }));
    expect(decision.action).toBeUndefined();
  });
});

describe('what a change asks of the planner', () => {
  const constraints = (change: string) => amend(base, change)?.contract.constraints;
  it.each([
    ['hyperparameters.warmupRatio=0.06', { warmupRatio: '0.06', learningRate: '0.0002' }],
    ['hyperparameters.batchSize=1,hyperparameters.gradientAccumulation=2', { batchSize: 1, gradientAccumulation: 2 }],
    ['hyperparameters.gradientCheckpointing=true', { gradientCheckpointing: true, batchSize: 2 }],
    ['hyperparameters.maxLength=256', { maxLength: 256 }],
    ['hyperparameters.maxSteps=225', { maxSteps: 225 }],
    ['method.name=qlora', { method: 'qlora' }],
  ])('%s', (change, want) => {
    expect(constraints(change)).toMatchObject(want);
  });

  it('makes no fewer passes where steps end the run, and none of what it does not know', () => {
    expect(constraints('hyperparameters.epochs=2')).toBeUndefined();
    expect(constraints('hyperparameters.learningRate')).toBeUndefined();
    expect(constraints('hyperparameters.learningRate=1,model.id=x')).toBeUndefined();
    const { maxSteps: _steps, ...hyperparameters } = resolved.hyperparameters;
    const byPasses = { ...base, status: { ...base.status, resolved: { ...resolved, hyperparameters } } };
    expect(amend(byPasses, 'hyperparameters.epochs=2')?.contract.constraints).toMatchObject({ epochs: 2 });
  });
});

describe('an amendment', () => {
  const job = jobWith([finding()]);
  const open = makeAmendment(base, job);
  const lower = { ...resolved, hyperparameters: { ...resolved.hyperparameters, learningRate: '0.0001' } };
  const priced = (total = '1.331'): PlanResult => ({
    resolved: lower,
    quote: { ...quote, limit: '3.00', total: { ...quote.total, expected: total } },
    tiles,
    warnings: [],
    why: [],
    changes: [],
  });
  const decide = (plan = open.obj(), change: Partial<PlanObserved> = {}) =>
    decidePlan(observed(plan, { plans: [base, plan], amended: job, proposal: priced(), ...change }));
  const readyOf = (decision: ReturnType<typeof decide>) =>
    decision.status.conditions?.find(({ type }) => type === 'Ready')?.message;

  it('waits for approval, says what it ends, and compares itself with the present plan', () => {
    const decision = decide();
    expect(decision.status.phase).toBe('AwaitingApproval');
    expect(readyOf(decision)).toContain('starts over from step 0');
    expect(decision.status.changes).toContainEqual({
      tile: 'Method',
      what: 'learning rate',
      before: '0.0002',
      after: '0.0001',
    });
  });

  it('says where it goes on and binds the approval to that', () => {
    const start = { from: 'Checkpoint', step: 80, lastStep: 300, soundUntil: 90, reason: 'the newest' } as const;
    const proposal = { ...priced(), resolved: { ...lower, start } } as PlanResult;
    const decision = decide(open.obj(), { proposal });
    expect(readyOf(decision)).toContain('goes on from step 80 or later, up to step 90, of 300 (the newest)');
    expect(decision.status.resolved?.start).toEqual(start);
    expect(decision.status.digest).not.toBe(decide().status.digest);
    expect(decision.status.changes).toContainEqual({
      tile: 'Budget',
      what: 'begins at',
      before: 'step 0',
      after: 'step 80 or later',
    });
    const over = { from: 'Base', step: 0, lastStep: 300, reason: 'rows of another length are other rows' } as const;
    const again = decide(open.obj(), { proposal: { ...priced(), resolved: { ...lower, start: over } } as PlanResult });
    expect(readyOf(again)).toContain(
      'starts over from step 0, because rows of another length are other rows: the $2.00',
    );
  });

  const blocked = (reason: 'NoProvider' | 'UnsupportedMethod'): PlanResult => ({
    blocked: { reason, message: 'It cannot be', remedy: 'Wait.' },
  });
  it.each([
    { case: 'its finding went away', change: { amended: jobWith([finding({ resolvedAt: time(90) })]) } },
    { case: 'its finding is forgotten', change: { amended: jobWith([]) } },
    { case: 'its job finished', change: { amended: jobWith([finding()], 'Succeeded') } },
    { case: 'its job was deleted', change: { amended: undefined } },
    {
      case: 'the goal was edited',
      change: { goal: makeGoal().text('x').obj(), plans: [base, makePlan(makeGoal().text('x').obj()).obj()] },
    },
    { case: 'the planner cannot make it', change: { proposal: blocked('UnsupportedMethod') } },
    { case: 'it changes nothing', change: { proposal: { ...priced(), resolved } as PlanResult } },
  ])('is withdrawn for good when $case', ({ change }) => {
    const plan = open.status(decide().status).obj();
    const decision = decide(plan, change);
    expect(decision.status.phase).toBe('Withdrawn');
    // Without a digest admission lets nobody approve it.
    expect(decision.status.digest).toBeUndefined();
    const again = decide({ ...plan, status: decision.status });
    expect(again).toEqual({ status: decision.status });
  });

  it('of a run that is too dear is not proposed where starting over does not fit either', () => {
    const tooDear = jobWith([finding({ code: 'BudgetTooFast' })]);
    const made = makeAmendment(base, tooDear).obj();
    const plan = {
      ...made,
      spec: { ...made.spec, amends: { ...made.spec.amends, finding: 'BudgetTooFast' } },
    } as TrainingPlan;
    const misfit = { ...priced(), quote: { ...quote, limit: '3.00', fits: false } } as PlanResult;
    expect(decide(plan, { amended: tooDear }).status.phase).toBe('AwaitingApproval');
    expect(decide(plan, { amended: tooDear, proposal: misfit }).status.phase).toBe('Withdrawn');
    // What else is wrong may be worth a raise.
    expect(decide(open.obj(), { proposal: misfit }).status.phase).toBe('AwaitingApproval');
  });

  it('stays while no provider is ready', () => {
    expect(decide(open.obj(), { proposal: blocked('NoProvider') }).status.phase).toBe('Blocked');
  });

  it('stays denied whatever is edited', () => {
    const plan = open.decided('Denied').meta({ generation: 2 }).obj();
    expect(decide(plan).status.phase).toBe('Denied');
  });

  const auto = (below: string): EffectivePolicy => ({
    ...noPolicy,
    names: ['small'],
    approval: { ...noPolicy.approval, autoApproveBelow: parseMoney(below) },
  });
  it.each([
    { case: 'a policy covers all runs and it costs no more', below: '5.00', total: '0.20', want: 'Approved' },
    { case: 'it costs more than to go on', below: '5.00', total: '1.00', want: 'AwaitingApproval' },
    { case: 'all runs together are above the policy', below: '4.99', total: '0.20', want: 'AwaitingApproval' },
  ])('where $case is $want', ({ below, total, want }) => {
    expect(decide(open.obj(), { policy: auto(below), proposal: priced(total) }).status.phase).toBe(want);
  });

  describe('once approved', () => {
    const approved = open.approved();
    const gone = (change: TrainingJobStatus = {}) =>
      makeJob(base)
        .attempt('Gone', { createdAt: time(0), goneAt: time(600) })
        .status({ diagnosis: [finding()], cost, conditions: [condition('Ready', 'Superseded')], ...change })
        .obj();

    it('waits until the job before has stopped', () => {
      const decision = decide(approved.obj());
      expect(decision.action).toBeUndefined();
      expect(decision.status.phase).toBe('Approved');
      expect(readyOf(decision)).toContain('has saved and stopped');
    });

    it('waits until that job has recorded that it gave way', () => {
      expect(decide(approved.obj(), { amended: gone({ conditions: [] }) }).action).toBeUndefined();
    });

    it('gets its job, which takes over what was spent', () => {
      const { action } = decide(approved.obj(), { amended: gone() });
      expect(action?.type === 'CreateJob' && action.job.spec.continues).toEqual({
        job: { name: job.metadata.name, uid: job.metadata.uid },
        agreed: '2.00',
        spent: '1.10',
      });
    });

    it('gets its job with the checkpoint that the one before saved at its end', () => {
      const checkpoint = {
        step: 95,
        uri: 's3://bucket/jobs/a/checkpoints/step-95',
        manifestSha256: 'a'.repeat(64),
        sizeBytes: 10,
        createdAt: time(1),
        attempt: 'kriptik-a-1',
      };
      const start = { from: 'Checkpoint', step: 80, lastStep: 300, reason: 'the newest' } as const;
      const plan = approved.status({ resolved: { ...lower, start } }).obj();
      const { digest, ...status } = plan.status ?? {};
      const rehashed = planDigest({
        contract: plan.spec.contract,
        resolved: { ...lower, start },
        quote: status.quote ?? quote,
      });
      const signed = { ...plan, status: { ...status, digest: rehashed, approval: approvalOf(rehashed) } };
      const amended = gone({
        store: { provider: 'bucket', uri: 's3://bucket/jobs/a' },
        checkpoints: [{ ...checkpoint, reason: 'Requested', verifiedAt: time(2) }],
      });
      const { action } = decide(signed, { amended });
      expect(digest).not.toBe(rehashed);
      expect(action?.type === 'CreateJob' && action.job.spec.continues?.checkpoint).toEqual({
        ...checkpoint,
        provider: 'bucket',
        jobUid: amended.metadata.uid,
      });
    });

    it('lets its job begin only with the limit that is left', () => {
      const continues = { job: { name: 'a', uid: 'a' }, agreed: '2.00', spent: '1.10' };
      const made = makeJob(approved.obj()).obj();
      const jobOf = (spent: string) => ({ ...made, spec: { ...made.spec, continues: { ...continues, spent } } });
      const right = decide(approved.obj(), { amended: gone(), job: jobOf('1.10') });
      expect(right.status.jobRef?.uid).toBe(made.metadata.uid);
      const late = decide(approved.obj(), { amended: gone(), job: jobOf('1.00') });
      expect(late.status.phase).toBe('Blocked');
      expect(late.status.jobRef).toBeUndefined();
    });

    it('adds what runs before that one spent', () => {
      const before = gone();
      const continues = { job: { name: 'first', uid: 'first' }, agreed: '0.50', spent: '0.70' };
      const amended = { ...before, spec: { ...before.spec, continues } };
      const { action } = decide(approved.obj(), { amended });
      expect(action?.type === 'CreateJob' && action.job.spec.continues?.spent).toBe('1.80');
    });

    it.each([
      { case: 'finished', amended: gone({ conditions: [condition('Succeeded')] }) },
      { case: 'was deleted', amended: undefined },
    ])('gets no job when the one before $case meanwhile', ({ amended }) => {
      const decision = decide(approved.obj(), { amended });
      expect(decision.action).toBeUndefined();
      expect(decision.status.phase).toBe('Withdrawn');
    });
  });
});
