import { expect, it } from 'vitest';
import { makeGoal, makeJob, makePolicy, makeProvider, time } from '../test/support/builders.ts';
import {
  goalConcerns,
  jobConcernsGoal,
  jobConcernsPlan,
  jobConcernsProvider,
  namespaceConcerns,
  policyConcerns,
  providerConcernsJob,
  providerConcernsPlan,
} from './concerns.ts';

const goal = makeGoal().obj();
const job = (change: NonNullable<ReturnType<ReturnType<typeof makeJob>['obj']>['status']> = {}) =>
  makeJob()
    .attempt('Running', { startedAt: time(5) })
    .status({ cost: COST, ...change })
    .obj();
const COST = {
  currency: 'USD',
  limit: '5.00',
  approvedLimit: '5.00',
  spent: '1.001',
  compute: '0.91',
  storage: '0.00',
  platformFee: '0.091',
  reserve: '0.02',
  percentUsed: 20,
  ratePerHour: '6.60',
  asOf: time(60),
} as const;
const told = (status: 'True' | 'False', message = '', at = time(0)) => ({
  conditions: [{ type: 'Ready', status, reason: 'Running', message, observedGeneration: 1, lastTransitionTime: at }],
});
const provider = makeProvider().ready().obj();
const counted = (instances: number) => ({ ...provider, status: { ...provider.status, instances } });
const policy = makePolicy().obj();
const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team', labels: { tier: 'gold' } } };

it.each([
  ['a goal that shows more spending', goalConcerns(goal, { ...goal, status: { phase: 'Training' } }), false],
  ['a goal that was edited', goalConcerns(goal, makeGoal().meta({ generation: 7 }).obj()), true],
  ['a goal that is deleted', goalConcerns(goal, makeGoal().deleted().obj()), true],
  ['a cent more, to the goal', jobConcernsGoal(job(), job({ cost: { ...COST, spent: '1.01' } })), false],
  ['a percent more, to the goal', jobConcernsGoal(job(), job({ cost: { ...COST, percentUsed: 21 } })), true],
  ['what a job says, to the goal', jobConcernsGoal(job(told('True', 'a')), job(told('True', 'b'))), true],
  ['when it said so, to the goal', jobConcernsGoal(job(told('True')), job(told('True', '', time(9)))), false],
  ['a percent more, to the plan', jobConcernsPlan(job(), job({ cost: { ...COST, percentUsed: 21 } })), false],
  ['a raise, to the plan', jobConcernsPlan(job(), job({ cost: { ...COST, limit: '9.00' } })), true],
  ['another verdict, to the plan', jobConcernsPlan(job(told('True')), job(told('False'))), true],
  ['another wording, to the plan', jobConcernsPlan(job(told('True', 'a')), job(told('True', 'b'))), false],
  ['progress, to the provider', jobConcernsProvider(job(), job({ cost: { ...COST, percentUsed: 21 } })), false],
  ['an end, to the provider', jobConcernsProvider(job(), makeJob().attempt('Gone').obj()), true],
  ['one instance more, to a price', providerConcernsPlan(counted(1), counted(2)), false],
  ['one instance more, to a job in the queue', providerConcernsJob(counted(1), counted(2)), false],
  ['one instance less, to a job in the queue', providerConcernsJob(counted(2), counted(1)), true],
  ['a provider that went away', providerConcernsPlan(provider, makeProvider().ready('False', 'Gone').obj()), true],
  ['a policy that holds in more namespaces', policyConcerns(policy, { ...policy, status: { namespaces: 2 } }), false],
  ['a policy that was edited', policyConcerns(policy, makePolicy().meta({ generation: 7 }).obj()), true],
  ['a namespace with another label', namespaceConcerns(namespace, { ...namespace, metadata: { name: 'team' } }), true],
])('%s: %s', (_what, concerns, expected) => {
  expect(concerns).toBe(expected);
});
