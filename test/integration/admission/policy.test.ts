import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit, type Json } from '../crds/edit.ts';
import { expectAccepted, expectRefused, writer } from '../crds/harness.ts';
import { approval, pricedStatus, validPlan } from '../crds/valid-plan.ts';
import { bind, installRoles, PATIENCE, usePeople } from './people.ts';

const cluster = useCluster('rules');
const as = usePeople(cluster);
const store = () => writer(cluster().client, cluster().namespace);
const policyName = () => `rules-${cluster().namespace}`;
const decision = (user: string, changes: Json = {}) => ({ ...approval, user, via: 'status', ...changes });
const decide = (user: string, changes: Json = {}, group?: string) =>
  as(user, { dryRun: true, ...(group === undefined ? {} : { group }) }).patch(
    'TrainingPlan',
    'help-desk-0123abcd',
    { status: { approval: decision(user, changes) } },
    'status',
  );

/** Puts a policy in force for this namespace alone, and waits until the API server obeys `holds`. */
async function enforce(spec: Json, holds: () => Promise<void>): Promise<void> {
  const selector = { matchLabels: { 'kubernetes.io/metadata.name': cluster().namespace } };
  await store().remove('TrainingPolicy', policyName());
  const policy = {
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingPolicy',
    metadata: { name: policyName() },
  };
  expectAccepted(await store().create({ ...policy, spec: { namespaceSelector: selector, ...spec } }));
  await vi.waitFor(holds, PATIENCE);
}

beforeAll(async () => {
  await installRoles(cluster());
  for (const user of ['alice', 'bob']) await bind(cluster(), user, 'kriptik-approver', ['approve', 'trainingplans']);
  const plan = edit(validPlan(), { 'metadata.annotations': { 'training.kriptik.ai/author': 'alice' } });
  const created = expectAccepted(await store().create(plan));
  const status = edit(pricedStatus, {
    'resolved.model.id': 'smollm2-135m-instruct',
    'resolved.model.family': 'smollm2',
    'resolved.data': [{ uri: 'hf://datasets/acme/faq', license: 'cc-by-4.0' }],
    'resolved.compute': {
      provider: 'here',
      providerType: 'local',
      gpu: 'H100-SXM-80GB',
      gpuCount: 2,
      nodes: 1,
      region: 'EU-RO-1',
    },
  });
  expectAccepted(await store().replace({ ...created, status }, 'status'));
});
afterAll(async () => {
  await store().remove('TrainingPolicy', policyName());
});

const limits: readonly (readonly [string, Json, string])[] = [
  [
    'the limit is above the ceiling',
    { ceilings: { perJob: '4.99' } },
    'the limit of this plan, 5.00 USD, is above the ceiling of 4.99 USD a job',
  ],
  [
    'the provider is not among those allowed',
    { providers: { allowed: ['kubernetes'] } },
    'providers of type local may not be used',
  ],
  ['the provider is denied', { providers: { denied: ['local'] } }, 'providers of type local may not be used'],
  ['the GPU is not among those allowed', { gpus: { allowed: ['RTX-4090-24GB'] } }, '2 x H100-SXM-80GB may not be used'],
  ['there are too many GPUs', { gpus: { maxCount: 1 } }, '2 x H100-SXM-80GB may not be used'],
  [
    'the licence is not among those allowed',
    { licenses: { allowed: ['MIT'] } },
    'base models under the licence apache-2.0 may not be used',
  ],
  [
    'the licence is denied in capitals',
    { licenses: { denied: ['Apache-2.0'] } },
    'base models under the licence apache-2.0 may not be used',
  ],
  ['the region is not among those allowed', { regions: { allowed: ['US-TX-3'] } }, 'region EU-RO-1 may not be used'],
  [
    'the model is not among those allowed',
    { models: { allowed: ['meta-llama/*'] } },
    'base model smollm2-135m-instruct may not be used',
  ],
  [
    'the family of the model is denied',
    { models: { denied: ['SmolLM2'] } },
    'choose another alternative of the Model tile',
  ],
  [
    'the owner of the model on the Hub is denied',
    { models: { denied: ['huggingfacetb/*'] } },
    'choose another alternative of the Model tile',
  ],
  [
    'the licence of the data is denied',
    { licenses: { denied: ['CC-BY-4.0'] } },
    'data under one of the licences cc-by-4.0 may not be used: choose another alternative of the Data tile',
  ],
];

describe('nobody approves a plan when', () => {
  it.each(limits)('%s', async (_name, spec, part) => {
    await enforce(spec, async () => expectRefused(await decide('bob'), `TrainingPolicy ${policyName()}: `, part));
    expectAccepted(await decide('bob', { decision: 'Denied' }));
  });
});

it('lets a plan pass that keeps every rule', async () => {
  const rules: Json = {
    ceilings: { perJob: '5' },
    providers: { allowed: ['local'], denied: ['runpod'] },
    gpus: { allowed: ['H100-SXM-80GB'], maxCount: 2 },
    licenses: { allowed: ['APACHE-2.0', 'CC-BY-4.0'] },
    regions: { allowed: ['eu-ro-1'] },
    models: { allowed: ['HuggingFaceTB/*'], denied: ['HuggingFaceTB/SmolVLM*'] },
  };
  await enforce(rules, async () => void expectAccepted(await decide('bob')));
});

it('lets nobody approve whose tiles are for others, by user and by group', async () => {
  const tiles = [
    { names: ['Budget'], groups: ['finance'] },
    { names: ['Model', 'Data'], users: ['alice'] },
  ];
  await enforce({ approval: { tiles } }, async () =>
    expectRefused(
      await decide('bob'),
      'user "bob" may not approve every tile',
      'these are for others: Budget, Model, Data',
    ),
  );
  expectRefused(await decide('alice'), 'these are for others: Budget');
  expectRefused(await decide('bob', {}, 'finance'), 'these are for others: Model, Data');
  expectAccepted(await decide('alice', {}, 'finance'));
});

it('keeps an author from approving, and only the author', async () => {
  await enforce({ approval: { authorMayApprove: false } }, async () =>
    expectRefused(await decide('alice'), '"alice" wrote the goal and may not approve its plan: ask somebody else'),
  );
  expectAccepted(await decide('bob'));
});

it('lets nobody approve where authors may not and the author is unknown', async () => {
  await enforce({ approval: { authorMayApprove: false } }, async () =>
    expectRefused(await decide('alice'), 'wrote the goal'),
  );
  const plan = await store().get('TrainingPlan', 'help-desk-0123abcd');
  const anonymous = expectAccepted(await store().replace(edit(plan, { 'metadata.annotations': undefined })));
  expectRefused(await decide('bob'), 'who wrote this one is not recorded', 'goal-author.yaml');
  const author: Changes = { 'metadata.annotations': { 'training.kriptik.ai/author': 'alice' } };
  expectAccepted(await store().replace(edit(anonymous, author)));
});

it('leaves other namespaces alone', async () => {
  await enforce({ ceilings: { perJob: '1' } }, async () => expectRefused(await decide('bob'), 'above the ceiling'));
  const policy = await store().get('TrainingPolicy', policyName());
  expectAccepted(await store().replace(edit(policy, { 'spec.namespaceSelector.matchLabels': { team: 'other' } })));
  await vi.waitFor(async () => expect((await decide('bob')).message).toBe(''), PATIENCE);
});
