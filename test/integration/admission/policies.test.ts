import { expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { PATIENCE } from './people.ts';

const cluster = useCluster('policies');

interface Policy {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: { readonly failurePolicy: string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly typeChecking?: { readonly expressionWarnings?: { fieldRef: string; warning: string }[] };
  };
}

const names = [
  'budget-raise',
  'operator-objects',
  'operator-status',
  'plan-approval',
  'plan-policy',
  'provider-delete',
];

it.each(names)('%s fails closed and its expressions fit the schemas', async (name) => {
  const path = `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${name}.training.kriptik.ai`;
  const read = async () => (await cluster().client.call('GET', path)) as Policy;
  expect((await read()).spec.failurePolicy).toBe('Fail');
  // The controller manager checks the types of a policy some time after it was made.
  await vi.waitFor(async () => {
    const { metadata, status } = await read();
    expect(status?.observedGeneration).toBe(metadata.generation);
  }, PATIENCE);
  expect((await read()).status?.typeChecking?.expressionWarnings ?? []).toEqual([]);
});
