/** What a caller relies on, against a real API server and controller manager, with its refusals and its silences. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ApiError, UnreachableError } from '../../runtime/errors.ts';
import { KubeConfigSource, loadKubeConfig } from '../../runtime/kubeconfig.ts';
import { KubeClient, type RawRequest } from '../../runtime/rest.ts';
import { until } from '../testing/until.ts';
import { createKubernetesBackend } from './index.ts';
import { Bench } from './testing/bench.ts';

/** Loses the answer to the first write of a kind, after it was carried out. */
class Forgetful extends KubeClient {
  readonly #plural: string;
  #lost = false;

  constructor(...[plural, ...rest]: [string, ...ConstructorParameters<typeof KubeClient>]) {
    super(...rest);
    this.#plural = plural;
  }

  override async raw<R>(method: 'GET' | 'POST', path: string, request?: RawRequest): Promise<R> {
    const answer = await super.raw<R>(method, path, request);
    if (this.#lost || method !== 'POST' || !path.endsWith(`/${this.#plural}`)) return answer;
    this.#lost = true;
    throw new UnreachableError('the answer was lost', 'ECONNRESET');
  }
}

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open(inject('kubeconfig'));
});
afterAll(() => bench.close());

const jobsNamed = async (name: string): Promise<number> =>
  (await bench.clients.jobs.list({ namespace: bench.namespace })).items.filter(({ metadata }) => metadata.name === name)
    .length;

const firstPod = async (name: string) => {
  const [pod] = await bench.madePods(name);
  if (pod === undefined) throw new Error(`no pod of ${name}`);
  return pod;
};

describe('a launch', () => {
  it('that is repeated and raced makes one Job, with the first token', async () => {
    const backends = Array.from({ length: 6 }, () => bench.backend());
    const launched = await Promise.all(
      backends.map((backend, index) => backend.launch(bench.request('raced-1', { token: `token-${index}` }))),
    );
    expect(new Set(launched.map(({ id }) => id)).size).toBe(1);
    const tokens = await Promise.all(backends.map((backend) => backend.token('raced-1')));
    expect(new Set(tokens).size).toBe(1);
    await bench.backend().launch(bench.request('raced-1', { token: 'late' }));
    expect(await bench.backend().token('raced-1')).toBe(tokens[0]);
    expect(await jobsNamed('raced-1')).toBe(1);
  });

  it.each(['configmaps', 'networkpolicies', 'secrets', 'jobs'])(
    'whose answer about %s is lost says that it does not know, and goes on when repeated',
    async (plural) => {
      const name = `lost-${plural}`;
      const config = new Forgetful(plural, sourceOf(), { userAgent: 'test/1' });
      const backend = createKubernetesBackend(config, bench.settings());
      await expect(backend.launch(bench.request(name))).rejects.toMatchObject({ kind: 'OutcomeUnknown' });
      const found = await backend.find(name);
      expect(found?.state).toBe(plural === 'jobs' ? 'queued' : undefined);
      expect((await backend.launch(bench.request(name))).state).toBe('queued');
      expect(await jobsNamed(name)).toBe(1);
      await config.close();
    },
  );

  it('of a name that somebody else uses is refused', async () => {
    const record = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'taken-1', namespace: bench.namespace } };
    await bench.clients.records.create(record);
    await expect(bench.backend().launch(bench.request('taken-1'))).rejects.toMatchObject({
      kind: 'Misconfigured',
      message: expect.stringContaining('is not of this attempt'),
    });
    expect(await jobsNamed('taken-1')).toBe(0);
  });

  it('into a namespace that is not there says which, and how to make it', async () => {
    const backend = bench.backend({ namespace: 'nowhere' });
    await expect(backend.launch(bench.request('nowhere-1'))).rejects.toMatchObject({
      kind: 'Misconfigured',
      message: expect.stringContaining('namespace nowhere does not exist'),
      remedy: expect.stringContaining('kubectl create namespace nowhere'),
    });
  });

  it('with a GPU whose label is not known is refused before anything is made', async () => {
    const shape = { gpu: 'MI300X', gpuCount: 1, nodes: 1 };
    await expect(bench.backend().launch(bench.request('unknown-1', { shape }))).rejects.toMatchObject({
      kind: 'Misconfigured',
      remedy: expect.stringContaining('gpuProducts'),
    });
    expect(await bench.backend().list()).not.toContainEqual(expect.objectContaining({ name: 'unknown-1' }));
  });

  it('after an end that was asked for in the middle of it makes nothing', async () => {
    const backend = bench.backend();
    // The record alone, as a launch leaves it that dies right after.
    const interrupted = new Forgetful('configmaps', sourceOf(), { userAgent: 'test/1' });
    await createKubernetesBackend(interrupted, bench.settings())
      .launch(bench.request('stopped-1'))
      .catch(() => undefined);
    await backend.terminate('stopped-1', { graceMs: 0 });
    expect((await backend.launch(bench.request('stopped-1'))).state).toBe('exited');
    expect(await jobsNamed('stopped-1')).toBe(0);
    await interrupted.close();
  });
});

describe('quotas', () => {
  it('of Jobs are no capacity, and leave nothing behind', async () => {
    const quota = await Bench.open(inject('kubeconfig'));
    await quota.kube.raw('POST', `/api/v1/namespaces/${quota.namespace}/resourcequotas`, {
      body: {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'none' },
        spec: { hard: { 'count/jobs.batch': '0' } },
      },
    });
    const error = await until('the quota holds', async () => {
      const caught: unknown = await quota
        .backend()
        .launch(quota.request(`quota-${Date.now()}`))
        .then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
      return caught;
    });
    expect(error).toMatchObject({ kind: 'NoCapacity', message: expect.stringContaining('exceeded quota') });
    await until('nothing is left', async () =>
      (await quota.backend().list()).every(({ name }) => !name.startsWith('quota-')),
    );
    await quota.close();
  });

  it('of pods are told by what waits', async () => {
    const quota = await Bench.open(inject('kubeconfig'));
    await quota.kube.raw('POST', `/api/v1/namespaces/${quota.namespace}/resourcequotas`, {
      body: {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'few' },
        spec: { hard: { 'requests.cpu': '500m' } },
      },
    });
    const backend = quota.backend();
    await until('the quota is known', async () => {
      const path = `/api/v1/namespaces/${quota.namespace}/resourcequotas/few`;
      return (await quota.kube.raw<{ status?: { hard?: object } }>('GET', path)).status?.hard !== undefined;
    });
    await backend.launch(quota.request('large-1'));
    const waiting = await until('it says why', async () => (await backend.find('large-1'))?.waiting);
    expect(waiting).toMatchObject({ reason: 'QuotaExceeded', message: expect.stringContaining('requests.cpu') });
    await quota.close();
  });
});

describe('an end', () => {
  it('of a name that nobody knows is no error', async () => {
    await bench.backend().terminate('unheard-1', { graceMs: 0 });
    await bench.backend().release('unheard-1');
    expect(await bench.backend().find('unheard-1')).toBeUndefined();
  });

  it('is not forgotten while a pod is left, Job or no Job', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('kept-1'));
    await bench.run(await firstPod('kept-1'));
    await expect(backend.release('kept-1')).rejects.toMatchObject({ kind: 'Misconfigured' });
    await bench.clients.jobs.delete({ namespace: bench.namespace, name: 'kept-1' }, { propagation: 'Orphan' });
    await until('the Job is gone', async () => (await jobsNamed('kept-1')) === 0);
    expect((await backend.find('kept-1'))?.state).toBe('running');
    expect((await backend.launch(bench.request('kept-1'))).state).toBe('running');
    await backend.terminate('kept-1', { graceMs: 1_000 });
    await bench.letGo('kept-1');
    expect((await bench.state(backend, 'kept-1', 'exited')).exit?.reason).toBe('terminated');
  });

  it('that a person brought about is an end, and the name is not used again', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('removed-1'));
    await bench.madePods('removed-1');
    await bench.clients.jobs.delete({ namespace: bench.namespace, name: 'removed-1' });
    const { exit } = await bench.state(backend, 'removed-1', 'exited');
    expect(exit?.message).toContain('somebody else');
    expect((await backend.launch(bench.request('removed-1'))).state).toBe('exited');
    expect(await jobsNamed('removed-1')).toBe(0);
    // Said once and for all.
    expect((await backend.find('removed-1'))?.exit).toEqual(exit);
  });

  it('leaves a name that is spent, and nothing else', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('spent-1', { shape: { gpu: 'cpu', gpuCount: 0, nodes: 2 } }));
    const pods = await bench.madePods('spent-1', 2);
    for (const pod of pods) {
      await bench.run(pod);
      await bench.end(pod);
    }
    await bench.state(backend, 'spent-1', 'exited');
    await backend.release('spent-1');
    await backend.release('spent-1');
    const { clients, namespace } = bench;
    for (const client of [clients.secrets, clients.services, clients.policies]) {
      await expect(client.get({ namespace, name: 'spent-1' })).rejects.toBeInstanceOf(ApiError);
    }
    expect(await backend.token('spent-1')).toBeUndefined();
    expect((await backend.list()).map(({ name }) => name)).not.toContain('spent-1');
    await expect(backend.launch(bench.request('spent-1'))).rejects.toMatchObject({
      message: expect.stringContaining('released'),
    });
  });

  it('of one pod ends all of them', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('pair-1', { shape: { gpu: 'cpu', gpuCount: 0, nodes: 2 } }));
    const [one, other] = await bench.madePods('pair-1', 2);
    if (one === undefined || other === undefined) throw new Error('no pods');
    await bench.run(one);
    await bench.run(other, '10.0.0.2');
    await bench.end(other, { exitCode: 31 });
    await until('the other is told', async () =>
      (await bench.pods('pair-1')).some(({ metadata }) => metadata.deletionTimestamp !== undefined),
    );
    expect((await backend.find('pair-1'))?.state).not.toBe('exited');
    await bench.letGo('pair-1');
    expect((await bench.state(backend, 'pair-1', 'exited')).exit).toMatchObject({ code: 31, reason: 'exited' });
    // The Job controller keeps the other until it has counted it.
    await until('one is left', async () => (await bench.pods('pair-1')).length === 1);
  });
});

describe('the hard deadline', () => {
  it('moves while the attempt runs', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('moved-1', { hardDeadline: Date.now() + 3_600_000 }));
    const pod = await firstPod('moved-1');
    await bench.run(pod);
    const seconds = async () =>
      (await bench.clients.jobs.get({ namespace: bench.namespace, name: 'moved-1' })).spec.activeDeadlineSeconds;
    expect(await seconds()).toBeGreaterThan(3_500);
    await backend.setHardDeadline('moved-1', Date.now() + 7_200_000);
    expect(await seconds()).toBeGreaterThan(7_100);
    await backend.setHardDeadline('moved-1', undefined);
    expect(await seconds()).toBeUndefined();
    await backend.setHardDeadline('moved-1', Date.now());
    await until(
      'the cluster ends it',
      async () => (await bench.pods('moved-1'))[0]?.metadata.deletionTimestamp !== undefined,
    );
    await bench.letGo('moved-1');
    expect((await bench.state(backend, 'moved-1', 'exited')).exit?.reason).toBe('hardDeadline');
  });

  it("and the trainer's own move on while it waits, and no longer once it has a node", async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('renewed-1', { hardDeadline: Date.now() + 60_000 }));
    const deadline = new Date(Date.now() + 600_000).toISOString();
    await backend.renewQueued('renewed-1', { deadline, hardDeadline: Date.now() + 660_000 });
    const spec = async (): Promise<unknown> => {
      const secret = await bench.clients.secrets.get({ namespace: bench.namespace, name: 'renewed-1' });
      return JSON.parse(Buffer.from(secret.data?.['spec.json'] ?? '', 'base64').toString());
    };
    expect(await spec()).toMatchObject({ deadline, attempt: 'renewed-1' });
    await bench.bind(await firstPod('renewed-1'));
    await backend.renewQueued('renewed-1', { deadline: null, hardDeadline: undefined });
    expect(await spec()).toMatchObject({ deadline });
  });
});

describe('a queue', () => {
  const queued = (): Partial<ReturnType<Bench['settings']>> => ({
    spec: { ...bench.settings().spec, queueName: 'gpus' },
  });

  it('starts the Job; the backend never does', async () => {
    const backend = bench.backend(queued());
    await backend.launch(bench.request('admitted-1'));
    expect(await backend.find('admitted-1')).toMatchObject({ state: 'queued', waiting: { reason: 'Queued' } });
    expect(await bench.pods('admitted-1')).toEqual([]);
    await bench.clients.jobs.patch({ namespace: bench.namespace, name: 'admitted-1' }, { spec: { suspend: false } });
    await bench.run(await firstPod('admitted-1'));
    await bench.state(backend, 'admitted-1', 'running');
  });

  it('that takes the machine back ends the attempt', async () => {
    const backend = bench.backend(queued());
    await backend.launch(bench.request('preempted-1'));
    const key = { namespace: bench.namespace, name: 'preempted-1' };
    await bench.clients.jobs.patch(key, { spec: { suspend: false } });
    await bench.run(await firstPod('preempted-1'));
    await bench.state(backend, 'preempted-1', 'running');
    await bench.clients.jobs.patch(key, { spec: { suspend: true } });
    await until(
      'the pod is told',
      async () => (await bench.pods('preempted-1'))[0]?.metadata.deletionTimestamp !== undefined,
    );
    expect((await backend.find('preempted-1'))?.state).toBe('running');
    await bench.letGo('preempted-1');
    expect((await bench.state(backend, 'preempted-1', 'exited')).exit).toMatchObject({ reason: 'preempted' });
  });
});

const sourceOf = () => new KubeConfigSource(loadKubeConfig({ path: inject('kubeconfig') }));
