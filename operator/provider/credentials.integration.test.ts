/** The Secrets that a provider of type kubernetes names, against a real API server. */
import { API_VERSION, type ComputeProvider } from '@kriptik/crds';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { Bench, IMAGE } from '../backends/kubernetes/testing/bench.ts';
import { loadCatalog } from '../catalog/catalog.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/log.ts';
import { secretsReader } from '../secrets.ts';
import { type KubernetesProviders, kubernetesProviders } from './kubernetes.ts';

const TOKEN = 'hf_a-private-token';
const KEY = 'the-secret-key-of-the-store';

let bench: Bench;
let providers: KubernetesProviders;
beforeAll(async () => {
  bench = await Bench.open(inject('kubeconfig'));
  providers = kubernetesProviders({
    client: bench.kube,
    catalog: loadCatalog(),
    clock: systemClock,
    readSecret: secretsReader(bench.kube),
    operatorNamespace: bench.namespace,
    podAccess: 'proxy',
    log: createLogger({ name: 'test', level: 'silent' }),
  });
});
afterAll(async () => {
  await providers.stop();
  await bench.close();
});

const provider = (): ComputeProvider => ({
  apiVersion: API_VERSION,
  kind: 'ComputeProvider',
  metadata: { name: 'nodes', uid: 'provider-1', generation: 1 },
  spec: {
    type: 'kubernetes',
    prices: { source: 'declared', declared: [{ gpu: 'cpu', pricePerHour: '1.00' }] },
    store: { uri: 's3://models/kriptik', credentialsRef: { name: 'store', namespace: bench.namespace } },
    kubernetes: {
      namespace: bench.namespace,
      image: IMAGE,
      // No node is part of this.
      nodesOnDemand: true,
      hubTokenRef: { name: 'hub', namespace: bench.namespace },
    },
  },
});

const makeSecret = async (name: string, stringData: Record<string, string>): Promise<void> => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: bench.namespace }, stringData };
  await bench.clients.secrets.create(secret);
};
const addKey = async (name: string, key: string, value: string): Promise<void> => {
  await bench.clients.secrets.patch({ namespace: bench.namespace, name }, { stringData: { [key]: value } });
};

it('are asked for one after the other, and reach pods as files alone', async () => {
  const said = async (): Promise<string> => {
    // A runtime of its own each time: what was read is kept for a while.
    const probe = await providers.factory(provider()).backend.probe();
    return probe.ready ? 'ready' : `${probe.reason}: ${probe.message}. ${probe.remedy}`;
  };
  expect(await said()).toBe(
    `CredentialsMissing: Secret ${bench.namespace}/store does not exist. Create it with accessKeyId, secretAccessKey and, where it is temporary, sessionToken, where the operator may read it: spec.store.credentialsRef names it.`,
  );
  await makeSecret('store', { accessKeyId: 'key', secretAccessKey: KEY });
  expect(await said()).toContain(
    `CredentialsMissing: Secret ${bench.namespace}/hub does not exist. Create it with token`,
  );
  await makeSecret('hub', { tokem: TOKEN });
  expect(await said()).toContain(
    `CredentialsMissing: Secret ${bench.namespace}/hub has no token. spec.kubernetes.hubTokenRef names it`,
  );
  await addKey('hub', 'token', TOKEN);
  await expect.poll(said, { timeout: 30_000 }).toBe('ready');

  const runtime = providers.factory(provider());
  const [store, token] = [await runtime.storeAccess?.(), await runtime.hubToken?.()];
  await runtime.backend.launch(
    bench.request('private-1', { ...(store && { store }), ...(token !== undefined && { hubToken: token }) }),
  );
  const key = { namespace: bench.namespace, name: 'private-1' };
  const secret = await bench.clients.secrets.get(key);
  expect(Buffer.from(secret.data?.['hub.token'] ?? '', 'base64').toString()).toBe(TOKEN);
  const [pod] = await bench.madePods('private-1');
  const shown = JSON.stringify([pod, await bench.clients.jobs.get(key), await bench.clients.records.get(key)]);
  expect(shown).toContain('{"name":"HF_TOKEN_PATH","value":"/kriptik/hub/token"}');
  expect(shown).toContain('{"key":"hub.token","path":"hub/token"}');
  for (const kept of [TOKEN, KEY, Buffer.from(TOKEN).toString('base64')]) expect(shown).not.toContain(kept);
});
