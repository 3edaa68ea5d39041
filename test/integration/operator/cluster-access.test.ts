/** What the operator may do in the namespace of the pods, and what it says where it may not. */
import { createKubernetesBackend } from '@kriptik/operator/backends/kubernetes/index.ts';
import type { KubernetesSettings } from '@kriptik/operator/backends/kubernetes/settings.ts';
import { Bench, settingsFor } from '@kriptik/operator/backends/kubernetes/testing/bench.ts';
import { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { waitFor } from '../../support/wait.ts';

const cluster = useCluster('access');

/** A client of somebody with these ClusterRoles in the namespace, and nothing else but what nodes are read by. */
async function someone(name: string, roles: readonly string[], namespace: string): Promise<KubeClient> {
  const user = await cluster().createUser({ name, groups: [], namespace });
  const bind = (kind: string, role: string, metadata: object) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user.username }],
  });
  const objects = [
    ...roles.map((role) => bind('RoleBinding', role, { name: `${name}-${role}`, namespace })),
    bind('ClusterRoleBinding', 'kriptik-nodes', { name: `${namespace}-${name}` }),
  ];
  await cluster().applyManifests(objects as never);
  const kc = new KubeConfig();
  kc.loadFromString(JSON.stringify(user.kubeconfig));
  return KubeClient.fromKubeConfig(kc, { userAgent: `${name}/1` });
}

describe('the operator in the namespace of the pods', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open(inject('kubeconfig'), {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/enforce-version': 'latest',
    });
    await bench.kube.raw('POST', '/api/v1/nodes', {
      body: {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: NODE, labels: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' } },
      },
    });
    await bench.kube.raw('PATCH', `/api/v1/nodes/${NODE}/status`, {
      contentType: 'application/merge-patch+json',
      body: { status: { allocatable: { 'nvidia.com/gpu': '8' }, capacity: { 'nvidia.com/gpu': '8' } } },
    });
  });
  afterAll(async () => {
    await bench.kube.raw('DELETE', `/api/v1/nodes/${NODE}`);
    await bench.close();
  });
  const NODE = 'access-test-node';

  it('runs an attempt with the rights of the shipped roles, where Pod Security is "restricted"', async () => {
    const kube = await someone('runner', ['kriptik-trainer-runner', 'kriptik-trainer-proxy'], bench.namespace);
    const backend = createKubernetesBackend(kube, bench.settings());
    const probed = await waitFor('its rights hold', async () => {
      const probe = await backend.probe();
      return probe.ready ? probe : undefined;
    });
    expect(probed).toMatchObject({ ready: true, gpus: [] });
    await backend.launch(bench.request('restricted-1', { shape: { gpu: 'cpu', gpuCount: 0, nodes: 2 } }));
    const pods = await bench.madePods('restricted-1', 2);
    for (const pod of pods) await bench.run(pod);
    await bench.state(backend, 'restricted-1', 'running');
    expect(await backend.token('restricted-1')).toBe('token-of-restricted-1');
    await backend.setHardDeadline('restricted-1', Date.now() + 60_000);
    await backend.terminate('restricted-1', { graceMs: 1_000 });
    await bench.letGo('restricted-1');
    await bench.state(backend, 'restricted-1', 'exited');
    expect((await backend.list()).map(({ name }) => name)).toEqual(['restricted-1']);
    await backend.release('restricted-1');
    expect(await backend.list()).toEqual([]);
    await kube.close();
  });

  it('where a folder of the node is mounted, is told why "restricted" refuses the pods', async () => {
    const volumes = [{ name: 'folder', mountPath: '/folder', hostPath: '/srv' }];
    const backend = bench.backend({ spec: { ...bench.settings().spec, volumes } });
    await backend.launch(bench.request('folder-1'));
    const waiting = await waitFor('it says why', async () => (await backend.find('folder-1'))?.waiting);
    expect(waiting).toMatchObject({
      reason: 'NotReady',
      message: expect.stringMatching(/violates PodSecurity.*hostPath/),
    });
  });

  it('without rights says which are missing, before a job is sent there and at a launch', async () => {
    const kube = await someone('nobody', [], bench.namespace);
    const backend = createKubernetesBackend(kube, bench.settings());
    expect(await backend.probe()).toMatchObject({
      ready: false,
      reason: 'Forbidden',
      message: expect.stringContaining('create jobs'),
      remedy: expect.stringContaining('config/rbac/kubernetes.yaml'),
    });
    await expect(backend.launch(bench.request('forbidden-1'))).rejects.toMatchObject({
      kind: 'CredentialsInvalid',
      message: expect.stringMatching(/may not \w+ \w+ in namespace/),
      remedy: expect.stringContaining('kriptik-trainer-runner'),
    });
    await kube.close();
  });

  const probe = (change: Partial<KubernetesSettings>) => {
    const base = settingsFor(bench.namespace);
    return createKubernetesBackend(bench.kube, { ...base, ...change }).probe();
  };
  const spec = (change: object) => ({ spec: { ...settingsFor('').spec, ...change } });

  it.each<{ case: string; change: () => Partial<KubernetesSettings>; reason: string }>([
    { case: 'a namespace that is not there', change: () => ({ namespace: 'nowhere' }), reason: 'NamespaceMissing' },
    {
      case: 'a class that is not there',
      change: () => spec({ priorityClassName: 'gold' }),
      reason: 'PriorityClassMissing',
    },
    {
      case: 'a runtime that is not there',
      change: () => spec({ runtimeClassName: 'gvisor' }),
      reason: 'RuntimeClassMissing',
    },
    {
      case: 'a claim that is not there',
      change: () => ({ store: { uri: 'pvc://none/jobs' } }),
      reason: 'PersistentVolumeClaimMissing',
    },
    { case: 'a GPU whose label is not known', change: () => ({ offered: ['MI300X'] }), reason: 'GPUUnknown' },
    { case: 'nodes that no selector finds', change: () => spec({ nodeSelector: { pool: 'none' } }), reason: 'NoNodes' },
    {
      case: 'a GPU that no node has',
      change: () => ({ offered: ['L4-24GB'], productsOf: () => ['NVIDIA-L4'] }),
      reason: 'NoSuchGpu',
    },
  ])('is told of $case', async ({ change, reason }) => {
    expect(await probe(change())).toMatchObject({ ready: false, reason, remedy: expect.stringMatching(/\w/) });
  });

  it('sees how many GPUs there are, and needs none where nodes come on demand', async () => {
    expect(await probe({ offered: ['H100-SXM-80GB'] })).toMatchObject({
      ready: true,
      gpus: [{ gpu: 'H100-SXM-80GB', count: 8 }],
    });
    const none = { offered: ['L4-24GB'], productsOf: () => ['NVIDIA-L4'], ...spec({ nodesOnDemand: true }) };
    expect(await probe(none)).toMatchObject({ ready: true, gpus: [] });
  });
});
