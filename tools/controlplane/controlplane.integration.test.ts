import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachControlPlane } from './access.ts';
import { silentProgress } from './binaries/progress.ts';
import { connect, connectionOf } from './cluster/client.ts';
import type { User } from './cluster/users.ts';
import { startControlPlane } from './controlplane.ts';
import { freePorts } from './ports.ts';
import type { ControlPlane, ControlPlaneOptions } from './types.ts';

const READ_CONFIG = [{ verbs: ['list'], apiGroups: [''], resources: ['configmaps'] }];
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'kriptik-own-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const start = (options: ControlPlaneOptions = {}) =>
  startControlPlane({ source: 'embedded', runRoot: join(root, 'runs'), progress: silentProgress, ...options });

async function statusFor(user: User, path: string): Promise<number> {
  const client = connect(connectionOf(user.kubeconfig));
  try {
    return (await client.send('GET', path)).status;
  } finally {
    client.close();
  }
}

it('starts warm in under six seconds and leaves nothing behind', async () => {
  const seconds: number[] = [];
  // The machine may be busy with other things: one of three starts is enough to show what it takes, and where more
  // wants to run than there are processors, each has to wait for its turn.
  const most = () => 6 * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
  for (let attempt = 0; attempt < 3 && Math.min(...seconds, Infinity) >= most(); attempt++) {
    const began = performance.now();
    const controlPlane = await start();
    seconds.push((performance.now() - began) / 1000);
    await controlPlane.stop();
    expect(existsSync(controlPlane.descriptor.directory)).toBe(false);
  }
  console.info(`warm start: ${seconds.map((value) => value.toFixed(1)).join(', ')} s`);
  expect(Math.min(...seconds)).toBeLessThan(most());
});

describe('a control plane of our own', () => {
  let own: ControlPlane;
  beforeAll(async () => {
    own = await start({ auditLog: true });
  });
  afterAll(() => own.stop());

  it('gives users the rights of their rules, and no others', async () => {
    const user = await own.createUser({ name: 'ann@example.com', rules: READ_CONFIG, namespace: 'default' });
    expect(user.username).toBe('ann@example.com');
    expect(await statusFor(user, '/api/v1/namespaces/default/configmaps')).toBe(200);
    expect(await statusFor(user, '/api/v1/namespaces/default/secrets')).toBe(403);
    expect(await statusFor(user, '/api/v1/namespaces/kube-system/configmaps')).toBe(403);
  });

  it('gives users the groups that were asked for', async () => {
    const user = await own.createUser({ name: 'root', groups: ['system:masters'] });
    expect(await statusFor(user, '/api/v1/secrets')).toBe(200);
  });

  it('refuses a certificate of another authority and a caller without one', async () => {
    const stranger = connect({ server: own.url, ...(own.caData && { ca: own.caData }) });
    expect((await stranger.send('GET', '/api/v1/secrets')).status).toBe(403);
    stranger.close();
  });

  it('can be used from another process by its descriptor', async () => {
    const attached = await attachControlPlane(JSON.parse(JSON.stringify(own.descriptor)));
    const user = await attached.createUser({ name: 'bob', rules: READ_CONFIG });
    attached.client.close();
    expect(await statusFor(user, '/api/v1/configmaps')).toBe(200);
  });

  it('runs the controllers: a namespace gets its service account and its deletion is finished', async () => {
    const metadata = { name: 'passing' };
    const options = { timeout: 50_000, interval: 100 };
    await own.applyManifests([{ apiVersion: 'v1', kind: 'Namespace', metadata }]);
    await expect
      .poll(() => own.client.send('GET', '/api/v1/namespaces/passing/serviceaccounts/default'), options)
      .toMatchObject({
        status: 200,
      });
    await own.client.call('DELETE', '/api/v1/namespaces/passing');
    await expect
      .poll(() => own.client.send('GET', '/api/v1/namespaces/passing'), options)
      .toMatchObject({ status: 404 });
  });

  it('says which kind is missing when an object of it is applied', async () => {
    const object = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
    await expect(own.applyManifests([object])).rejects.toThrow(
      /no kind Widget in example\.com\/v1.*Apply its CRD first/,
    );
  });

  it('records who wrote what', async () => {
    const metadata = { name: 'audited', namespace: 'default' };
    await own.applyManifests([{ apiVersion: 'v1', kind: 'ConfigMap', metadata }]);
    const log = readFileSync(own.auditLogPath ?? '', 'utf8');
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { objectRef?: { name?: string } });
    expect(lines.find(({ objectRef }) => objectRef?.name === 'audited')).toMatchObject({
      verb: 'patch',
      user: { username: 'kriptik-admin' },
      responseStatus: { code: 201 },
    });
  });

  it('serves as a given cluster: users are service accounts there and are removed at the end', async () => {
    const note: string[] = [];
    const given = await startControlPlane({
      env: { KUBECONFIG: own.kubeconfigPath },
      runRoot: join(root, 'runs'),
      progress: { ...silentProgress, note: (text) => note.push(text) },
    });
    expect(given.source).toBe('kubeconfig');
    expect(note.join()).toContain(own.url);
    const user = await given.createUser({ name: 'Ann', rules: READ_CONFIG, namespace: 'default' });
    expect(user.username).toMatch(/^system:serviceaccount:kriptik-users-run-[0-9a-f]+:ann$/);
    expect(await statusFor(user, '/api/v1/namespaces/default/configmaps')).toBe(200);
    expect(await statusFor(user, '/api/v1/namespaces/default/secrets')).toBe(403);
    await expect(given.createUser({ name: 'x', groups: ['g'] })).rejects.toThrow(/groups are fixed/);
    await given.stop();
    expect((await own.client.send('GET', '/readyz')).status).toBe(200);
    const role = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/kriptik-user:Ann';
    expect((await own.client.send('GET', role)).status).toBe(404);
  });
});

it('chooses other ports when one is taken before it is bound', async () => {
  const thief = createServer((socket) => socket.destroy());
  await new Promise<void>((listening) => thief.listen(0, '127.0.0.1', listening));
  const address = thief.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const choices: number[] = [];
  const choosePorts = async () => {
    const [etcd = 0, free = 0] = await freePorts(2);
    const apiserver = choices.length === 0 ? taken : free;
    choices.push(apiserver);
    return { etcd, apiserver };
  };
  const controlPlane = await start({ controllerManager: false, choosePorts });
  try {
    expect(choices.length).toBeGreaterThan(1);
    expect(controlPlane.url).toBe(`https://127.0.0.1:${choices.at(-1)}`);
  } finally {
    await controlPlane.stop();
    await new Promise((closed) => thief.close(closed));
  }
});

it('keeps address, keys and data in a data directory over a restart', async () => {
  const dataDirectory = join(root, 'data');
  const first = await start({ dataDirectory });
  await first.applyManifests([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kept' } }]);
  const user = await first.createUser({ name: 'ann', rules: READ_CONFIG });
  await expect(start({ dataDirectory })).rejects.toThrow(/already runs in .*data/);
  await first.stop();
  const second = await start({ dataDirectory });
  try {
    expect(second.url).toBe(first.url);
    expect((await second.client.send('GET', '/api/v1/namespaces/kept')).status).toBe(200);
    expect(await statusFor(user, '/api/v1/configmaps')).toBe(200);
  } finally {
    await second.stop();
  }
});
