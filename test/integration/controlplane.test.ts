import { expect, it } from 'vitest';
import { clientOf, useCluster } from '../support/controlplane.ts';

const cluster = useCluster('shared');

it('serves the product kinds once the suite begins', async () => {
  const { resources } = (await cluster().client.call('GET', '/apis/training.kriptik.ai/v1alpha1')) as {
    resources: { name: string }[];
  };
  expect(resources.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['traininggoals', 'trainingplans', 'trainingjobs', 'trainingpolicies', 'computeproviders']),
  );
});

it('lets a test make a user whose rules hold in its namespace only', async () => {
  const { namespace, createUser } = cluster();
  const rules = [{ verbs: ['list'], apiGroups: [''], resources: ['configmaps'] }];
  const client = clientOf(await createUser({ name: 'reader', rules, namespace }));
  try {
    expect((await client.send('GET', `/api/v1/namespaces/${namespace}/configmaps`)).status).toBe(200);
    expect((await client.send('GET', '/api/v1/namespaces/default/configmaps')).status).toBe(403);
  } finally {
    client.close();
  }
});
