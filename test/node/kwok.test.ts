import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KwokNodes, startKwok } from '../support/kwok.ts';
import { podsOfJob } from '../support/pods.ts';
import { waitFor } from '../support/wait.ts';

const JOBS = '/apis/batch/v1/namespaces/default/jobs';

let cluster: ControlPlane;
let nodes: KwokNodes | undefined;
beforeAll(async () => {
  cluster = await startControlPlane({ source: 'embedded', scheduler: true });
  nodes = await startKwok(cluster, { nodes: 2 });
}, 600_000);
afterAll(async () => {
  await nodes?.stop();
  await cluster.stop();
});

it('plays nodes whose pods run until their job is deleted, at addresses of this machine', async () => {
  const container = { name: 'trainer', image: 'none', resources: { limits: { 'nvidia.com/gpu': '8' } } };
  const template = { spec: { restartPolicy: 'Never', containers: [container] } };
  const spec = { completions: 2, parallelism: 2, completionMode: 'Indexed', template };
  await cluster.client.call('POST', JOBS, {
    body: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'many' }, spec },
  });
  const running = await waitFor('both pods', async () => {
    const pods = (await podsOfJob(cluster.client, 'many')).filter(({ status }) => status.phase === 'Running');
    return pods.length === 2 ? pods : undefined;
  });
  const addresses = running.map(({ status }) => status.podIP);
  expect(new Set(addresses).size).toBe(2);
  expect(addresses.join()).toMatch(/^127\.\d+\.\d+\.\d+,127\.\d+\.\d+\.\d+$/);
  await cluster.client.call('DELETE', `${JOBS}/many?propagationPolicy=Background`);
  const gone = async () => ((await podsOfJob(cluster.client, 'many')).length === 0 ? true : undefined);
  await waitFor('an end of the pods', gone);
});
