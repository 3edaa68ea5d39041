import { describe, expect, it } from 'vitest';
import { quote } from '../../test/integration/crds/valid-plan.ts';
import { makeAmendment, makeGoal, makeJob, makePlan, time } from '../../test/support/builders.ts';
import { plainStyle } from '../render/style.ts';
import { describeGoal } from './goal.ts';

describe('proposed changes of a plan', () => {
  const goal = makeGoal().obj();
  const plan = makePlan(goal).approved().obj();
  const cost = {
    currency: 'USD',
    limit: '5.00',
    approvedLimit: '5.00',
    spent: '2.10',
    compute: '1.90',
    storage: '0.00',
    platformFee: '0.20',
    reserve: '0.25',
    percentUsed: 42,
    ratePerHour: '6.60',
    forecast: '4.20',
    asOf: time(0),
  } as const;
  const job = makeJob(plan).status({ phase: 'Running', cost }).obj();
  const view = { style: plainStyle, width: 120, now: Date.parse(time(60)) };
  const told = (proposals = [makeAmendment(plan, job).priced().obj()]): string =>
    describeGoal({ goal, plan, job, proposals, events: [] }, view).join('\n');

  it('are told with their price beside the present run and with the command that approves them', () => {
    const text = told();
    expect(text).toContain('Proposed changes\n  - Halve the learning rate (hyperparameters.learningRate=0.0001)');
    expect(text).toContain('because of LossDiverging');
    expect(text).toMatch(/the present run: \$2\.10 spent, \$4\.20 when finished, \$6\.60 an hour until you decide/);
    expect(text).toContain('starts over from step 0');
    expect(text).toMatch(/Next\n {2}kriptik approve faq-00a3e4d5 /);
  });

  it('say where one does not fit, and that one has no price yet', () => {
    const misfit = makeAmendment(plan, job).status({ quote: { ...quote, fits: false } });
    expect(told([misfit.obj()])).toContain('it does not fit what is left');
    expect(told([makeAmendment(plan, job).obj()])).toContain('it is being priced');
  });

  it('are not told of where there are none', () => {
    expect(told([])).not.toContain('Proposed changes');
  });
});
