import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit, type Json } from '../crds/edit.ts';
import { expectAccepted, expectRefused, writer } from '../crds/harness.ts';
import { validGoal, validPolicy, validProvider } from '../crds/valid.ts';
import { runningStatus, validJob } from '../crds/valid-job.ts';
import { pricedStatus, validPlan } from '../crds/valid-plan.ts';
import { almostEverything, bind, binding, grant, installRoles, PATIENCE, rbacObject, usePeople } from './people.ts';

const cluster = useCluster('objects');
const as = usePeople(cluster);
const store = () => writer(cluster().client, cluster().namespace);
const unique = `objects-${randomBytes(4).toString('hex')}`;
const metadata = {
  finalizers: ['training.kriptik.ai/instances', 'example.com/own'],
  labels: { 'training.kriptik.ai/goal': 'help-desk', team: 'ml' },
  annotations: { 'training.kriptik.ai/author': 'alice', note: 'x' },
};

let job: Json = {};
let plan: Json = {};
beforeAll(async () => {
  await installRoles(cluster());
  await bind(cluster(), 'operator', 'kriptik-operator', ['operate', 'trainingjobs']);
  // Broader rights than the role gives: here the policies and the definitions must do the refusing.
  await grant(cluster(), 'operator', [almostEverything]);
  await bind(cluster(), 'editor', 'kriptik-editor', ['create', 'traininggoals']);
  await grant(cluster(), 'insider', [almostEverything]);
  const withMetadata = (object: { metadata: object }) => ({ ...object, metadata: { ...object.metadata, ...metadata } });
  const created = expectAccepted(await as('operator').create(withMetadata(validJob())));
  job = expectAccepted(await as('operator').replace({ ...created, status: runningStatus }, 'status'));
  plan = expectAccepted(await as('operator').create(withMetadata(validPlan())));
  plan = expectAccepted(await as('operator').replace({ ...plan, status: pricedStatus }, 'status'));
  expectAccepted(await store().create(validGoal()));
  expectAccepted(await store().create(validProvider(unique)));
  expectAccepted(await store().create(validPolicy(unique)));
  await vi.waitFor(
    async () =>
      expectRefused(await as('insider', { dryRun: true }).create(validPlan('help-desk-probe')), 'verb "operate"'),
    PATIENCE,
  );
});
afterAll(async () => {
  expectAccepted(await store().replace(edit(job, { 'metadata.finalizers': undefined })));
  expectAccepted(await store().replace(edit(plan, { 'metadata.finalizers': undefined })));
  await store().remove('ComputeProvider', unique);
  await store().remove('TrainingPolicy', unique);
});

describe('somebody with every right but the verb operate is stopped', () => {
  it('who makes a plan', async () => {
    const outcome = await as('insider').create(validPlan('help-desk-forged'));
    expectRefused(outcome, 'user "insider" may not create trainingplans', 'Write a TrainingGoal');
  });

  it('who makes a job, and with it an instance', async () => {
    expectRefused(await as('insider').create(validJob('help-desk-forged')), 'may not create trainingjobs');
  });

  const edits: readonly (readonly [string, 'job' | 'plan', Changes, string])[] = [
    [
      'removes the finalizer of instances',
      'job',
      { 'metadata.finalizers': ['example.com/own'] },
      'removed by the operator once every instance is verified to be gone',
    ],
    ['removes every finalizer', 'job', { 'metadata.finalizers': undefined }, 'an instance could run on and be billed'],
    [
      'moves a job to another goal by its label',
      'job',
      { 'metadata.labels': { 'training.kriptik.ai/goal': 'other' } },
      'labels that start with training.kriptik.ai/',
    ],
    [
      'removes the label of the goal',
      'plan',
      { 'metadata.labels': { team: 'ml' } },
      'labels that start with training.kriptik.ai/',
    ],
    [
      'writes another author',
      'plan',
      { 'metadata.annotations': { 'training.kriptik.ai/author': 'bob' } },
      'annotations that start with training.kriptik.ai/',
    ],
    [
      'lets a job go whose instance may still run',
      'job',
      { 'metadata.annotations': { ...metadata.annotations, 'training.kriptik.ai/let-go': 'help-desk-1' } },
      'needs the verb "abandon" on trainingjobs.training.kriptik.ai',
    ],
    [
      'removes the author',
      'plan',
      { 'metadata.annotations': undefined },
      'annotations that start with training.kriptik.ai/',
    ],
    [
      'adds an annotation of ours',
      'job',
      { 'metadata.annotations': { ...metadata.annotations, 'training.kriptik.ai/x': 'y' } },
      'annotations that start with training.kriptik.ai/',
    ],
  ];
  for (const [name, target, changes, part] of edits) {
    it(`who ${name}`, async () => {
      const object = target === 'job' ? job : plan;
      expectRefused(await as('insider', { dryRun: true }).replace(edit(object, changes)), part);
    });
  }

  const statuses: readonly (readonly [string, string, string, Json, string])[] = [
    [
      'the spend of a job',
      'TrainingJob',
      'help-desk-0123abcd',
      { cost: { spent: '0' } },
      'may not write the status of trainingjobs help-desk-0123abcd',
    ],
    ['the record of attempts', 'TrainingJob', 'help-desk-0123abcd', { attempts: [] }, 'attempts'],
    [
      'the price of a plan',
      'TrainingPlan',
      'help-desk-0123abcd',
      { quote: { storage: '0' } },
      'people write status.approval only',
    ],
    [
      'the phase of a goal',
      'TrainingGoal',
      'help-desk',
      { phase: 'Succeeded' },
      'may not write the status of traininggoals help-desk',
    ],
  ];
  it.each(statuses)('who writes %s', async (_name, kind, name, status, part) => {
    expectRefused(await as('insider', { dryRun: true }).patch(kind, name, { status }, 'status'), part);
  });
});

it('stops status writes to cluster-wide kinds as well', async () => {
  await cluster().applyManifests([
    rbacObject('ClusterRole', { name: unique }, { rules: [almostEverything] }),
    rbacObject('ClusterRoleBinding', { name: unique }, binding(unique, 'ClusterRole', unique)),
  ]);
  const dry = as(unique, { dryRun: true });
  await vi.waitFor(async () => {
    const provider = await dry.patch('ComputeProvider', unique, { status: { instances: 7 } }, 'status');
    expectRefused(provider, 'may not write the status of computeproviders');
  }, PATIENCE);
  const policy = await dry.patch('TrainingPolicy', unique, { status: { namespaces: 7 } }, 'status');
  expectRefused(policy, 'may not write the status of trainingpolicies');
  for (const kind of ['clusterrolebindings', 'clusterroles']) {
    await cluster().client.call('DELETE', `/apis/rbac.authorization.k8s.io/v1/${kind}/${unique}`);
  }
});

describe('an editor', () => {
  it('pauses and resumes a job', async () => {
    const dry = as('editor', { dryRun: true });
    expectAccepted(await dry.patch('TrainingJob', 'help-desk-0123abcd', { spec: { replicas: 0 } }, 'scale'));
    expectAccepted(await dry.patch('TrainingJob', 'help-desk-0123abcd', { spec: { replicas: 0 } }));
  });

  it('labels a job for their own purposes', async () => {
    const labels = { ...metadata.labels, team: 'search', stage: 'trial' };
    expectAccepted(await as('editor', { dryRun: true }).replace(edit(job, { 'metadata.labels': labels })));
  });

  it('removes a finalizer of their own', async () => {
    const finalizers = ['training.kriptik.ai/instances'];
    expectAccepted(await as('editor', { dryRun: true }).replace(edit(job, { 'metadata.finalizers': finalizers })));
  });
});

it('lets a budget owner let a job go', async () => {
  await bind(cluster(), 'owner', 'kriptik-budget-owner', ['abandon', 'trainingjobs']);
  const letGo = { metadata: { annotations: { 'training.kriptik.ai/let-go': 'help-desk-1' } } };
  await vi.waitFor(
    async () => expectAccepted(await as('owner', { dryRun: true }).patch('TrainingJob', 'help-desk-0123abcd', letGo)),
    PATIENCE,
  );
});

it('keeps a provider that still has instances', async () => {
  expectAccepted(await store().patch('ComputeProvider', unique, { status: { instances: 2 } }, 'status'));
  const refused = await writer(cluster().client, cluster().namespace, true).remove('ComputeProvider', unique);
  expectRefused(refused, `ComputeProvider ${unique} has 2 live instances`, 'set spec.enabled to false');
  expectAccepted(await store().patch('ComputeProvider', unique, { status: { instances: 0 } }, 'status'));
  expect((await writer(cluster().client, cluster().namespace, true).remove('ComputeProvider', unique)).status).toBe(
    200,
  );
});
