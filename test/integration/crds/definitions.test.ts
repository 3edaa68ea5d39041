import {
  ComputeProviderResource,
  type ResourceType,
  TrainingGoalResource,
  TrainingJobResource,
  TrainingPlanResource,
  TrainingPolicyResource,
} from '@kriptik/crds';
import { describe, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit, type Json } from './edit.ts';
import { expectAccepted, expectRefused, writer } from './harness.ts';
import { validCloud, validGoal, validPolicy, validProvider } from './valid.ts';
import { runningStatus, validJob } from './valid-job.ts';
import { approval, pricedStatus, validPlan } from './valid-plan.ts';

const cluster = useCluster('definitions');
const store = () => writer(cluster().client, cluster().namespace);

interface Discovered {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: string[];
  readonly categories?: string[];
}

const kinds: readonly (readonly [string, ResourceType, string])[] = [
  ['TrainingGoal', TrainingGoalResource, 'tg'],
  ['TrainingPlan', TrainingPlanResource, 'tp'],
  ['TrainingJob', TrainingJobResource, 'tj'],
  ['TrainingPolicy', TrainingPolicyResource, 'tpol'],
  ['ComputeProvider', ComputeProviderResource, 'cp'],
];

describe.each(kinds)('%s', (kind, resource, shortName) => {
  it('is established, structural and accepts its names', async () => {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${resource.plural}.${resource.group}`;
    const { status } = (await cluster().client.call('GET', path)) as {
      status: { conditions: { type: string; status: string }[] };
    };
    const held = Object.fromEntries(status.conditions.map((c) => [c.type, c.status]));
    expect(held).toMatchObject({ Established: 'True', NamesAccepted: 'True' });
    expect(held['NonStructuralSchema'] ?? 'False').toBe('False');
  });

  it('is discovered as its constant says', async () => {
    const path = `/apis/${resource.group}/${resource.version}`;
    const { resources } = (await cluster().client.call('GET', path)) as { resources: Discovered[] };
    const found = resources.find(({ name }) => name === resource.plural);
    expect(found).toMatchObject({
      kind,
      namespaced: resource.namespaced,
      shortNames: [shortName],
      categories: ['kriptik'],
    });
    expect(resources.map(({ name }) => name)).toContain(`${resource.plural}/status`);
  });
});

it('has no field selector but those it declares', async () => {
  const { namespace, client } = cluster();
  const path = `/apis/training.kriptik.ai/v1alpha1/namespaces/${namespace}/trainingplans?fieldSelector=`;
  // A definition just made answers lists with 429 until its cache is filled.
  const first = async () => (await client.send('GET', `${path}spec.goalRef.name%3Dhelp-desk`)).status;
  await vi.waitFor(async () => expect(await first()).toBe(200), { timeout: 20_000, interval: 100 });
  expect((await client.send('GET', `${path}status.phase%3DApproved`)).status).toBe(200);
  expect((await client.send('GET', `${path}spec.contract.modality%3Dllm`)).status).toBe(400);
});

const whole: readonly (readonly [string, () => object, object | undefined])[] = [
  ['a goal', () => validGoal(), undefined],
  ['a plan with its price and approval', () => validPlan(), { ...pricedStatus, approval }],
  ['a job that runs', () => validJob(), runningStatus],
  ['a policy', () => validPolicy(`whole-${cluster().namespace}`), undefined],
  ['this machine as a provider', () => validProvider(`whole-${cluster().namespace}`), undefined],
  ['a cloud as a provider', () => validCloud(`cloud-${cluster().namespace}`), undefined],
];

it.each(whole)('stores %s field by field as it was written', async (_name, make, status) => {
  const written = make() as { kind: string; metadata: { name: string }; spec: Json };
  try {
    const created = expectAccepted(await store().create(written));
    expect(created['spec']).toEqual(expect.objectContaining(written.spec));
    if (status !== undefined) {
      expect(expectAccepted(await store().replace({ ...created, status }, 'status'))['status']).toEqual(status);
    }
    const read = await store().get(written.kind, written.metadata.name);
    expect(read['spec']).toEqual(created['spec']);
  } finally {
    await store().remove(written.kind, written.metadata.name);
  }
});

const unknown: readonly (readonly [string, () => object, Changes, string])[] = [
  ['a goal', validGoal, { 'spec.constraints.gpu': 'H100' }, 'spec.constraints.gpu'],
  ['a plan', validPlan, { 'spec.contract.price': '1' }, 'spec.contract.price'],
  ['a job', validJob, { 'spec.run.quote.discount': '1' }, 'spec.run.quote.discount'],
  ['a policy', validPolicy, { 'spec.providers.forbidden': ['local'] }, 'spec.providers.forbidden'],
  ['a provider', validProvider, { 'spec.local.price': '1' }, 'spec.local.price'],
];

it.each(unknown)('refuses a field %s does not have', async (_name, make, changes, field) => {
  const dryRun = writer(cluster().client, cluster().namespace, true);
  expectRefused(await dryRun.create(edit(make(), changes)), 'strict decoding error', `unknown field "${field}"`);
});
