import { beforeAll, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { bind, installRoles, may } from './people.ts';

const cluster = useCluster('rbac');
const roles = {
  viewer: ['kriptik-viewer', ['get', 'traininggoals']],
  editor: ['kriptik-editor', ['create', 'traininggoals']],
  approver: ['kriptik-approver', ['approve', 'trainingplans']],
  owner: ['kriptik-budget-owner', ['raise', 'trainingbudgets']],
  operator: ['kriptik-operator', ['operate', 'trainingplans']],
} as const;

beforeAll(async () => {
  await installRoles(cluster());
  for (const [user, [role, probe]] of Object.entries(roles)) await bind(cluster(), user, role, [...probe]);
});

type User = keyof typeof roles;
type Case = readonly [user: User, verb: string, resource: string, subresource?: string];
const allowed: readonly Case[] = [
  ['viewer', 'watch', 'trainingjobs'],
  ['editor', 'create', 'traininggoals'],
  ['editor', 'patch', 'trainingplans'],
  ['editor', 'patch', 'trainingjobs', 'scale'],
  ['editor', 'delete', 'trainingjobs'],
  ['approver', 'patch', 'trainingplans', 'status'],
  ['owner', 'patch', 'traininggoals'],
  ['operator', 'create', 'trainingjobs'],
  ['operator', 'patch', 'traininggoals', 'status'],
  ['operator', 'approve', 'trainingplans'],
  ['operator', 'watch', 'computeproviders'],
];

for (const [user, verb, resource, subresource = ''] of allowed) {
  it(`lets ${user} ${verb} ${resource} ${subresource}`, async () => {
    expect(await may(cluster(), user, verb, resource, { subresource })).toBe(true);
  });
}

const denied: readonly Case[] = [
  ['viewer', 'create', 'traininggoals'],
  ['viewer', 'patch', 'trainingjobs', 'scale'],
  ['editor', 'approve', 'trainingplans'],
  ['editor', 'patch', 'trainingplans', 'status'],
  ['editor', 'raise', 'trainingbudgets'],
  ['editor', 'create', 'trainingplans'],
  ['editor', 'delete', 'trainingplans'],
  ['editor', 'operate', 'trainingjobs'],
  ['approver', 'operate', 'trainingplans'],
  ['approver', 'patch', 'traininggoals'],
  ['approver', 'patch', 'trainingjobs', 'status'],
  ['owner', 'approve', 'trainingplans'],
  ['owner', 'delete', 'traininggoals'],
  ['operator', 'patch', 'traininggoals'],
  ['operator', 'delete', 'traininggoals'],
  ['operator', 'raise', 'trainingbudgets'],
  ['operator', 'patch', 'trainingpolicies'],
  ['operator', 'patch', 'computeproviders'],
  ['operator', 'patch', 'trainingplans'],
  ['operator', 'delete', 'trainingjobs'],
  ['operator', 'update', 'trainingjobs', 'status'],
];

for (const [user, verb, resource, subresource = ''] of denied) {
  it(`does not let ${user} ${verb} ${resource} ${subresource}`, async () => {
    expect(await may(cluster(), user, verb, resource, { subresource })).toBe(false);
  });
}

it('keeps the operator from Secrets and pods', async () => {
  const core = { group: '' };
  expect(await may(cluster(), 'operator', 'get', 'secrets', { ...core, name: 'runpod' })).toBe(false);
  expect(await may(cluster(), 'operator', 'list', 'secrets', core)).toBe(false);
  expect(await may(cluster(), 'operator', 'create', 'pods', core)).toBe(false);
});

it('gives the installed service account its rights, and Leases in its own namespace only', async () => {
  const account = 'system:serviceaccount:kriptik-system:kriptik-operator';
  await vi.waitFor(async () => expect(await may(cluster(), account, 'operate', 'trainingjobs')).toBe(true), {
    timeout: 50_000,
  });
  const leases = { group: 'coordination.k8s.io' };
  expect(await may(cluster(), account, 'update', 'leases', { ...leases, namespace: 'kriptik-system' })).toBe(true);
  expect(await may(cluster(), account, 'update', 'leases', leases)).toBe(false);
});

it('joins the built-in view and edit, without a say about money', async () => {
  await bind(cluster(), 'builtin-viewer', 'view', ['get', 'trainingjobs']);
  await bind(cluster(), 'builtin-editor', 'edit', ['create', 'traininggoals']);
  expect(await may(cluster(), 'builtin-viewer', 'create', 'traininggoals')).toBe(false);
  expect(await may(cluster(), 'builtin-editor', 'approve', 'trainingplans')).toBe(false);
  expect(await may(cluster(), 'builtin-editor', 'raise', 'trainingbudgets')).toBe(false);
});
