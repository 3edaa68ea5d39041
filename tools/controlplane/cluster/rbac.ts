import { setTimeout as delay } from 'node:timers/promises';
import type { KubeClient } from './client.ts';
import { applyObject } from './resources.ts';

/** A rule of a Role, as in rbac.authorization.k8s.io/v1. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** Grants `rules` to a user, in one namespace or in all. */
export interface Grant {
  /** Names the role and its binding. */
  readonly name: string;
  /** As the API server knows the user. */
  readonly username: string;
  readonly groups: readonly string[];
  readonly rules: readonly PolicyRule[];
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

const API = 'rbac.authorization.k8s.io';
const EFFECT_TIMEOUT_MS = 60_000;

/** Writes role and binding and waits until the API server lets the user do what they say. */
export async function grant(client: KubeClient, request: Grant): Promise<void> {
  const { name, namespace, username, rules, labels } = request;
  const prefix = namespace === undefined ? 'Cluster' : '';
  const metadata = { name, labels, ...(namespace !== undefined && { namespace }) };
  const subject = { kind: 'User', apiGroup: API, name: username };
  const roleRef = { apiGroup: API, kind: `${prefix}Role`, name };
  const role = { apiVersion: `${API}/v1`, kind: `${prefix}Role`, metadata, rules };
  const binding = { apiVersion: `${API}/v1`, kind: `${prefix}RoleBinding`, metadata, roleRef, subjects: [subject] };
  await applyObject(client, role);
  await applyObject(client, binding);
  await waitInEffect(client, request);
}

/** The authorizer reads roles from a cache that lags a write by some milliseconds. */
async function waitInEffect(client: KubeClient, request: Grant): Promise<void> {
  const deadline = performance.now() + EFFECT_TIMEOUT_MS;
  for (const rule of request.rules) {
    while (!(await isAllowed(client, request, rule))) {
      if (performance.now() > deadline) {
        throw new Error(
          `The rules of ${request.username} did not take effect within ${EFFECT_TIMEOUT_MS / 1000} s: ${JSON.stringify(rule)}`,
        );
      }
      await delay(20);
    }
  }
}

async function isAllowed(client: KubeClient, request: Grant, rule: PolicyRule): Promise<boolean> {
  const spec = { user: request.username, groups: request.groups, ...accessOf(rule, request.namespace) };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const review = (await client.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body })) as {
    status: { allowed: boolean };
  };
  return review.status.allowed;
}

/** One access that the rule allows, as a SubjectAccessReview asks for it. */
export function accessOf(rule: PolicyRule, namespace: string | undefined): object {
  const verb = rule.verbs[0];
  const path = rule.nonResourceURLs?.[0];
  if (path !== undefined) return { nonResourceAttributes: { verb, path } };
  const [resource, subresource] = (rule.resources?.[0] ?? '').split('/');
  const name = rule.resourceNames?.[0];
  return {
    resourceAttributes: {
      verb,
      group: rule.apiGroups?.[0] ?? '',
      resource,
      ...(subresource && { subresource }),
      ...(name && { name }),
      ...(namespace !== undefined && { namespace }),
    },
  };
}
