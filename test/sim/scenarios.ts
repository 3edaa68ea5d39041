import type { Act, Deed, GoalSetup, Moment, ProviderSetup, Schedule } from './schedule.ts';

/** With $36 an hour and the fee, a second costs $0.011; all twenty steps take about 25 s. */
export const AMPLE = '3.00';
export const TIGHT = '0.24';
const CUT = '0.20';

const TEXT = 'Answer questions of our customers in a friendly tone.';
const RHYME = 'Answer in rhyme.';

const here: ProviderSetup = {
  name: 'here',
  pricePerHour: '36.00',
  order: 1,
  instances: 1,
  startMs: 200,
  killMs: 100,
  tellsBilling: false,
};

const goal = (limit: string, more: Partial<GoalSetup> = {}): GoalSetup => ({ name: 'faq', text: TEXT, limit, ...more });
const on = (when: Moment, ...what: Act[]): Deed[] => what.map((one) => ({ when, what: one }));
const at = (condition: string): Moment => ({ type: 'condition', condition });
const reason = (text: string): Moment => ({ type: 'reason', reason: text });
const step = (number: number, orCondition?: string): Moment => ({
  type: 'step',
  step: number,
  ...(orCondition === undefined ? {} : { orCondition }),
});
const limit = (amount: string): Act => ({ type: 'limit', limit: amount });
const scale = (replicas: number): Act => ({ type: 'scale', replicas });
const suspend = (yes: boolean): Act => ({ type: 'suspend', on: yes });
const enable = (enabled: boolean): Act => ({ type: 'provider', provider: 'here', enabled });
const remove: Act = { type: 'delete', kind: 'goal' };
const approve = on({ type: 'awaiting' }, { type: 'decide', decision: 'Approved' });
const approveSecond = on({ type: 'awaiting', plans: 2 }, { type: 'decide', decision: 'Approved' });
const approveWithoutProvider = [...approve, ...on({ type: 'jobExists' }, enable(false))];

const DONE = 'goal Succeeded; plan Approved; job Succeeded with a model';
const REPLACED = 'goal Succeeded; plan Approved; plan Approved; job Succeeded with a model; job Superseded';
/** Nobody was there to hear of the new plan before the first job was done. */
const BOTH = REPLACED.replace('Superseded', 'Succeeded with a model');
const FROZEN = 'goal Frozen; plan Approved; job Frozen';
const GONE = 'nothing';

const scenario = (
  name: string,
  one: GoalSetup,
  deeds: readonly Deed[],
  end: string | undefined,
  more: Partial<Pick<Schedule, 'policy' | 'lateEnd' | 'faults'>> = {},
): Schedule => ({
  name,
  providers: [here],
  goals: [one],
  people: [deeds],
  faults: [],
  ...more,
  ...(end !== undefined && { end }),
});

/** The first instance runs out of memory past its first save. */
const memory: Schedule['faults'] = [{ type: 'trainer', nth: 1, oomAt: 13 }];

/** What people do with a goal, and where it must end however the operator is disturbed. */
export const scenarios: readonly [Schedule, ...Schedule[]] = [
  scenario('finishes', goal(AMPLE), approve, DONE),
  scenario('approved by policy', goal(AMPLE), [], DONE, { policy: { approval: { autoApproveBelow: '5.00' } } }),
  scenario('freezes', goal(TIGHT), approve, FROZEN),
  scenario('freezes and is raised', goal(TIGHT), [...approve, ...on(at('Frozen'), limit(AMPLE))], DONE),
  // So slow an operator that it froze first is raised all the same.
  scenario('is raised while it runs', goal(TIGHT), [...approve, ...on(step(6, 'Frozen'), limit(AMPLE))], DONE),
  scenario('is raised while it freezes', goal(TIGHT), [...approve, ...on(reason('Freezing'), limit(AMPLE))], DONE),
  // Who cuts the budget while the operator is away for as long as the training takes is too late.
  scenario('is cut while it runs', goal(AMPLE), [...approve, ...on(step(6), limit(CUT))], FROZEN, { lateEnd: DONE }),
  scenario(
    'is paused and resumed',
    goal(AMPLE),
    [...approve, ...on(step(7), scale(0)), ...on(at('Paused'), scale(1))],
    DONE,
  ),
  scenario(
    'is suspended and resumed',
    goal(AMPLE),
    [...approve, ...on(step(7), suspend(true)), ...on(at('Paused'), suspend(false))],
    DONE,
  ),
  scenario(
    'is suspended before approval',
    goal(AMPLE, { suspend: true }),
    [...approve, ...on(at('Paused'), suspend(false))],
    DONE,
  ),
  scenario('waits for approval', goal(AMPLE), [], 'goal AwaitingApproval; plan AwaitingApproval'),
  scenario(
    'names a lower limit in its text, and has its field cut',
    goal(AMPLE, { text: `Answer questions. Spend at most $${TIGHT}.`, agreed: TIGHT }),
    [...approve, ...on(step(6), limit('2.50'))],
    FROZEN,
  ),
  scenario('needs more than a policy allows', goal(AMPLE), [], 'goal Planning; plan Blocked', {
    policy: { ceilings: { perJob: TIGHT }, approval: { autoApproveBelow: CUT } },
  }),
  scenario(
    'is under the ceiling of a policy, which is lowered while it runs',
    goal(AMPLE),
    [...approve, ...on(step(6), { type: 'policy', spec: { ceilings: { perJob: CUT } } })],
    FROZEN,
    { policy: { ceilings: { perJob: AMPLE } }, lateEnd: DONE },
  ),
  scenario(
    'is denied',
    goal(AMPLE),
    on({ type: 'awaiting' }, { type: 'decide', decision: 'Denied' }),
    'goal Denied; plan Denied',
  ),
  scenario(
    'is changed before approval',
    goal(AMPLE),
    [...on({ type: 'awaiting' }, { type: 'rewrite', text: RHYME }), ...approveSecond],
    'goal Succeeded; plan Approved; plan Superseded; job Succeeded with a model',
  ),
  scenario(
    'is changed while it runs',
    goal(AMPLE),
    [...approve, ...on(step(7), { type: 'rewrite', text: RHYME }), ...approveSecond],
    REPLACED,
    { lateEnd: BOTH },
  ),
  scenario('is deleted while it waits', goal(AMPLE), on({ type: 'awaiting' }, remove), GONE),
  scenario('is deleted while it runs', goal(AMPLE), [...approve, ...on(step(4), remove)], GONE),
  scenario('is deleted while it starts', goal(AMPLE), [...approve, ...on({ type: 'jobExists' }, remove)], GONE),
  scenario('is deleted while frozen', goal(TIGHT), [...approve, ...on(at('Frozen'), remove)], GONE),
  scenario(
    'is deleted while paused',
    goal(AMPLE),
    [...approve, ...on(step(4), scale(0)), ...on(at('Paused'), remove)],
    GONE,
  ),
  scenario('is deleted while it freezes', goal(TIGHT), [...approve, ...on(reason('Freezing'), remove)], GONE),
  scenario(
    'is suspended while frozen, and raised',
    goal(TIGHT),
    [...approve, ...on(at('Frozen'), suspend(true)), ...on(at('Paused'), limit(AMPLE), suspend(false))],
    DONE,
  ),
  scenario(
    'is replaced while frozen',
    goal(TIGHT),
    [...approve, ...on(at('Frozen'), { type: 'rewrite', text: RHYME, limit: AMPLE }), ...approveSecond],
    REPLACED,
    { lateEnd: BOTH },
  ),
  // Which amendments are proposed beside the approved one depends on when the operator looks.
  scenario(
    'is amended after its memory ran out',
    goal(AMPLE, { amends: true }),
    [...approve, ...approveSecond],
    undefined,
    {
      faults: memory,
    },
  ),
  scenario(
    'is amended, and raised once the second job froze',
    goal(TIGHT, { amends: true }),
    [...approve, ...approveSecond, ...on(at('Frozen'), limit(AMPLE))],
    undefined,
    { faults: memory },
  ),
  scenario(
    'has its provider turned off and on',
    goal(AMPLE),
    [...approveWithoutProvider, { when: { type: 'at', ms: 8_000 }, what: enable(true) }],
    DONE,
  ),
];
