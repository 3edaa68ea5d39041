import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ComputeProviderResource, TrainingPolicyResource } from '@kriptik/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBench } from './harness.ts';

const bench = useBench('cli-preview');
const PROVIDER = 'preview-cloud';
const POLICY = 'preview-cheap';
const apiVersion = 'training.kriptik.ai/v1alpha1';
const offline = { env: { HF_HUB_OFFLINE: '1' } };

const goal = `apiVersion: ${apiVersion}
kind: TrainingGoal
metadata:
  name: previewed
spec:
  goal: Fine-tune Qwen2.5 7B with QLoRA to answer the questions of our customers.
  budget:
    limit: "50.00"
  data:
    - uri: s3://desk/rows.jsonl
      rows: 5000
`;

describe('plan -f with a cluster', () => {
  beforeAll(async () => {
    const { world, folder } = bench();
    writeFileSync(join(folder, 'goal.yaml'), goal);
    await world.client.resource(ComputeProviderResource).apply({
      apiVersion,
      kind: 'ComputeProvider',
      metadata: { name: PROVIDER },
      spec: {
        type: 'runpod',
        credentialsRef: { name: 'runpod', namespace: 'kriptik-system' },
        prices: { source: 'declared', declared: [{ gpu: 'L40S-48GB', pricePerHour: '0.50', asOf: '2026-11-01' }] },
      },
    } as never);
    await world.client.resource(TrainingPolicyResource).apply({
      apiVersion,
      kind: 'TrainingPolicy',
      metadata: { name: POLICY },
      spec: { namespaceSelector: { matchLabels: { preview: 'strict' } }, providers: { denied: ['runpod'] } },
    } as never);
  });
  afterAll(async () => {
    const { client } = bench().world;
    await client.resource(ComputeProviderResource).delete({ name: PROVIDER });
    await client.resource(TrainingPolicyResource).delete({ name: POLICY });
  });

  it('is priced by the providers of the cluster', async () => {
    const { code, out, err } = await bench().cli(['plan', '-f', 'goal.yaml', '-o', 'json'], offline);
    expect([code, err]).toEqual([0, '']);
    const { resolved } = JSON.parse(out) as { resolved: { compute: { provider: string } } };
    expect(resolved.compute.provider).toBe(PROVIDER);
  });

  it('asks no cluster with --offline, and takes the published market', async () => {
    const { out } = await bench().cli(['plan', '-f', 'goal.yaml', '-o', 'json', '--offline'], offline);
    const { resolved } = JSON.parse(out) as { resolved: { compute: { provider: string } } };
    expect(['runpod', 'modal']).toContain(resolved.compute.provider);
  });

  it('keeps to the policies that hold in its namespace', async () => {
    const { world, cli } = bench();
    const label = (value: string | null) =>
      world.client.raw('PATCH', `/api/v1/namespaces/${world.namespace}`, {
        body: { metadata: { labels: { preview: value } } },
        contentType: 'application/merge-patch+json',
      });
    await label('strict');
    const { code, err } = await cli(['plan', '-f', 'goal.yaml'], offline);
    await label(null);
    expect(code).toBe(10);
    expect(err).toContain(`TrainingPolicy ${POLICY}, spec.providers.denied`);
  });

  it('prices on the published market when no cluster answers', async () => {
    const kubeconfig = join(bench().folder, 'gone.kubeconfig');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'gone', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'gone', user: {} }],
        contexts: [{ name: 'gone', context: { cluster: 'gone', user: 'gone' } }],
        'current-context': 'gone',
      }),
    );
    const { code, err } = await bench().cli(['--kubeconfig', kubeconfig, 'plan', '-f', 'goal.yaml'], offline);
    expect(code).toBe(0);
    expect(err).toContain('No cluster answers');
  });
});
