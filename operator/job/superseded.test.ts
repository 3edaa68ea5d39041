import type { Condition, TrainingJob, TrainingPlan, TrainingReceipt } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeAmendment, makeGoal, makeJob, makePlan, time } from '../../test/support/builders.ts';
import { receiptOf } from '../budget/receipts.ts';
import { supersededBy } from './superseded.ts';

const goal = makeGoal().obj();
const rhyme = makeGoal().text('Rhyme.').meta({ generation: 2 }).obj();
const song = makeGoal().text('Sing.').meta({ generation: 3 }).obj();
const ref = (name: string) => ({ jobRef: { name, uid: `uid-${name}` } });
const first = makePlan(goal).approved().status(ref('first')).obj();
const second = makePlan(rhyme).decided('Approved', { at: time(60) });
const begun = second.status(ref('second')).obj();
const amendment = makeAmendment(first)
  .decided('Approved', { at: time(60) })
  .status(ref('amended'))
  .obj();
const again = makeAmendment(amendment)
  .meta({ name: 'faq-00a3e4d6', uid: 'uid-faq-00a3e4d6' })
  .decided('Approved', { at: time(180) })
  .status(ref('amended-again'))
  .obj();
const undecided = makePlan(song).priced().obj();

const ready = (reason: string): Condition[] => [
  { type: 'Ready', status: 'False', reason, message: '', lastTransitionTime: time(0) },
];
const running = makeJob(first).attempt('Running').obj();
const givingWay = makeJob(first).attempt('Stopping', { stopReason: 'Superseded' }).obj();
const pausing = makeJob(first).attempt('Stopping', { stopReason: 'Paused' }).obj();
const gaveWay = makeJob(first)
  .attempt('Gone', { outcome: 'Stopped', goneAt: time(120) })
  .status({ conditions: ready('Superseded') })
  .obj();

const paused = makeJob(first)
  .attempt('Gone', { outcome: 'Stopped' })
  .status({ conditions: ready('Paused') })
  .obj();
const returned = makeJob(first)
  .attempt('Gone')
  .attempt('Running')
  .status({ conditions: ready('Superseded') })
  .obj();
const succeeded = makeJob(first).attempt('Gone', { outcome: 'Succeeded' }).obj();

const amendedRuns = makeJob(amendment).attempt('Running').obj();
const amendedGaveWay = makeJob(amendment)
  .attempt('Gone', { outcome: 'Stopped' })
  .status({ conditions: ready('Superseded') })
  .obj();
const secondRuns = makeJob(begun).attempt('Running').obj();
const secondGaveWay = makeJob(begun)
  .attempt('Gone', { outcome: 'Stopped' })
  .status({ conditions: ready('Superseded') })
  .obj();
const ofAnotherGoal = makeJob(makePlan(makeGoal('other').obj()).approved().obj())
  .attempt('Running')
  .obj();
const receiptOfSecond = (until: number): TrainingReceipt => {
  const made = receiptOf(secondRuns, Date.parse(time(until)));
  return {
    ...made,
    metadata: { ...made.metadata, uid: 'receipt', resourceVersion: '1', generation: 1 },
    spec: { ...made.spec, until: time(until) },
  };
};

describe('a job is replaced', () => {
  const cases: {
    readonly case: string;
    readonly goal?: typeof goal;
    readonly plans: readonly TrainingPlan[];
    readonly job?: TrainingJob;
    readonly jobs?: readonly TrainingJob[];
    readonly receipts?: readonly TrainingReceipt[];
    readonly by: TrainingPlan | undefined;
  }[] = [
    { case: 'by nothing while its plan stands', goal, plans: [first], by: undefined },
    { case: 'by nothing while the newer plan waits', plans: [first, undecided], by: undefined },
    { case: 'by a newer plan once it is approved', goal: rhyme, plans: [first, begun], by: begun },
    {
      case: 'by a newer plan that has no job yet',
      goal: rhyme,
      plans: [first, second.obj()],
      by: second.obj(),
    },
    { case: 'by an approved amendment', goal, plans: [first, amendment], by: amendment },
    {
      case: 'by an amendment still, before a third plan is made',
      plans: [first, amendment],
      job: gaveWay,
      by: amendment,
    },
    {
      case: 'by an amendment still, while a third plan waits',
      plans: [first, amendment, undecided],
      job: gaveWay,
      by: amendment,
    },
    { case: 'by a second plan still, while a third waits', plans: [first, begun, undecided], job: gaveWay, by: begun },
    {
      case: 'by a second plan still, when it is only giving way',
      plans: [first, begun, undecided],
      job: givingWay,
      by: begun,
    },
    {
      case: 'by nothing while a third plan waits, when the second gave way to it again',
      plans: [first, begun, undecided],
      job: running,
      jobs: [secondGaveWay],
      by: undefined,
    },
    {
      case: 'by a second plan that it never saw, while a third waits',
      plans: [first, begun, undecided],
      jobs: [secondRuns],
      by: begun,
    },
    {
      case: 'by an amendment that it never saw, while a third plan waits',
      plans: [first, amendment, undecided],
      by: amendment,
    },
    {
      case: 'by a second plan that it never saw, when it stops for another reason',
      plans: [first, begun, undecided],
      job: pausing,
      by: begun,
    },
    {
      case: 'by nothing while a third plan waits, when it is the second one that runs',
      plans: [first, begun, undecided],
      job: secondRuns,
      jobs: [running],
      by: undefined,
    },
    {
      case: 'by nothing that gave way again, when it stops for another reason',
      plans: [first, begun, undecided],
      job: pausing,
      jobs: [secondGaveWay],
      by: undefined,
    },
    {
      case: 'by nothing that gave way again, when it runs and once gave way itself',
      plans: [first, begun, undecided],
      job: returned,
      jobs: [secondGaveWay],
      by: undefined,
    },
    {
      case: 'by nothing while a third plan waits, when it is the amended one that runs',
      plans: [first, amendment, undecided],
      job: amendedRuns,
      jobs: [running],
      by: undefined,
    },
    {
      case: 'by an amendment of an amendment, neither of which it saw, while a third plan waits',
      plans: [first, amendment, again, undecided],
      jobs: [amendedGaveWay],
      by: again,
    },
    {
      case: 'by the amendment that was approved last still, while a third plan waits',
      plans: [first, amendment, again, undecided],
      job: gaveWay,
      by: again,
    },
    {
      case: 'by that one in whatever order they are listed',
      plans: [first, again, amendment, undecided],
      job: gaveWay,
      by: again,
    },
    {
      case: 'by nothing that gave way again, when it is paused',
      plans: [first, begun, undecided],
      job: paused,
      jobs: [secondGaveWay],
      by: undefined,
    },
    {
      case: 'by nothing of another goal',
      plans: [first, undecided],
      job: gaveWay,
      jobs: [ofAnotherGoal],
      by: undefined,
    },
    { case: 'by nothing once it succeeded', goal: rhyme, plans: [first, begun], job: succeeded, by: undefined },
    {
      case: 'by a second plan still, while that is being deleted',
      plans: [first, undecided],
      job: gaveWay,
      jobs: [secondRuns],
      by: begun,
    },
    {
      case: 'by a second plan still, once that was deleted with its job',
      plans: [first, undecided],
      job: gaveWay,
      receipts: [receiptOfSecond(900)],
      by: begun,
    },
    {
      case: 'by nothing that ended before it',
      plans: [first, undecided],
      job: gaveWay,
      receipts: [receiptOfSecond(1)],
      by: undefined,
    },
    {
      case: 'by nothing where the second plan never got a job',
      plans: [first, second.obj(), undecided],
      job: gaveWay,
      by: undefined,
    },
    { case: 'by nothing once its own plan stands again', goal, plans: [first, begun], job: gaveWay, by: undefined },
  ];

  it.each(cases)('$case', ({ goal: written = song, plans, job = running, jobs = [], receipts = [], by }) => {
    expect(supersededBy(written, plans, { jobs: [job, ...jobs], receipts }, job)).toBe(by?.metadata.name);
  });
});
