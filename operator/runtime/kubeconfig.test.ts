import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FakeClock } from './clock.ts';
import { KubeConfigError, KubeConfigSource, loadKubeConfig } from './kubeconfig.ts';
import { KubeClient } from './rest.ts';
import { FakeApiServer } from './testing/fake-apiserver.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Parts {
  name?: string;
  server?: string;
  user?: object;
  cluster?: object;
  current?: string;
}

async function write(file: string, parts: Parts = {}): Promise<string> {
  const { name = 'one', server = 'https://127.0.0.1:1', user = { token: 't' }, cluster = {}, current = name } = parts;
  const path = join(folder, file);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': current,
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

describe('finding the cluster', () => {
  it('takes the given path before KUBECONFIG, and KUBECONFIG before the home folder', async () => {
    const one = await write('one');
    const two = await write('two', { server: 'https://127.0.0.1:2' });
    expect(loadKubeConfig({ path: two, env: { KUBECONFIG: one } }).getCurrentCluster()?.server).toBe(
      'https://127.0.0.1:2',
    );
    expect(loadKubeConfig({ env: { KUBECONFIG: one } }).getCurrentCluster()?.server).toBe('https://127.0.0.1:1');
  });

  it('merges several files; the first to name something wins', async () => {
    const one = await write('first', { name: 'shared' });
    const two = await write('second', { name: 'shared', server: 'https://127.0.0.1:2' });
    const three = await write('third', { name: 'third', server: 'https://127.0.0.1:3' });
    const env = { KUBECONFIG: [one, two, three].join(delimiter) };
    expect(loadKubeConfig({ env }).getCurrentCluster()?.server).toBe('https://127.0.0.1:1');
    expect(loadKubeConfig({ env, context: 'third' }).getCurrentCluster()?.server).toBe('https://127.0.0.1:3');
  });

  it.each([
    [
      'nothing configured',
      () => ({ env: {}, home: folder }),
      /no Kubernetes cluster configured: KUBECONFIG is not set, .*Set KUBECONFIG/,
    ],
    [
      'a path that does not exist',
      () => ({ path: join(folder, 'none') }),
      /kubeconfig .*none \(from the given path\) does not exist/,
    ],
    [
      'KUBECONFIG that does not exist',
      () => ({ env: { KUBECONFIG: '/none' } }),
      /\/none \(from KUBECONFIG\) does not exist/,
    ],
    [
      'a context that is not there',
      async () => ({ path: await write('c1'), context: 'two' }),
      /has no context "two"\. It has: one/,
    ],
    [
      'no current context',
      async () => ({ path: await write('c2', { current: '' }) }),
      /no current context\. It has: one.*use-context/,
    ],
  ])('tells what to do about %s', async (_what, options, message) => {
    const made = await options();
    expect(() => loadKubeConfig(made)).toThrow(message);
    expect(() => loadKubeConfig(made)).toThrow(KubeConfigError);
  });

  it('uses the service account of the Pod it runs in', async () => {
    const account = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount');
    await mkdir(account, { recursive: true });
    await writeFile(join(account, 'token'), 'pod-token');
    await writeFile(join(account, 'ca.crt'), 'ca');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
    const kc = loadKubeConfig({ env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, home: folder, root: folder });
    vi.unstubAllEnvs();
    const source = new KubeConfigSource(kc, new FakeClock());
    expect(source.server).toBe('https://10.0.0.1:443');
    expect(await source.settings()).toMatchObject({ headers: { Authorization: 'Bearer pod-token' } });
  });

  it('tells what to do about a file that is no kubeconfig', async () => {
    const path = join(folder, 'broken');
    await writeFile(path, 'clusters: [');
    expect(() => loadKubeConfig({ path })).toThrow(/is not a valid kubeconfig: .*kubectl config view/);
  });
});

describe('using the credentials', () => {
  const sourceOf = async (parts: Parts, clock = new FakeClock()): Promise<KubeConfigSource> =>
    new KubeConfigSource(loadKubeConfig({ path: await write(`s-${Math.random()}`, parts) }), clock);

  it('reads token, basic authentication and impersonation', async () => {
    expect((await (await sourceOf({ user: { token: 'abc' } })).settings()).headers).toEqual({
      Authorization: 'Bearer abc',
    });
    const basic = await sourceOf({ user: { username: 'u', password: 'p' } });
    expect((await basic.settings()).headers).toEqual({ Authorization: 'Basic dTpw' });
    const as = await sourceOf({ user: { token: 'abc', as: 'alice' } });
    expect((await as.settings()).headers).toMatchObject({ 'Impersonate-User': 'alice' });
  });

  it('reads a certificate that changed on disk', async () => {
    const ca = join(folder, 'ca.crt');
    await writeFile(ca, 'old');
    const clock = new FakeClock();
    const source = await sourceOf({ cluster: { 'certificate-authority': ca } }, clock);
    expect(String((await source.settings()).tls.ca)).toBe('old');
    await writeFile(ca, 'new');
    expect(String((await source.settings()).tls.ca)).toBe('old');
    await clock.advance(31_000);
    expect(String((await source.settings()).tls.ca)).toBe('new');
    await writeFile(ca, 'newest');
    source.invalidate();
    expect(String((await source.settings()).tls.ca)).toBe('newest');
  });

  it('runs a credential plugin', async () => {
    const plugin = join(folder, 'plugin');
    const credential = { kind: 'ExecCredential', status: { token: 'from-plugin' } };
    await writeFile(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
    await chmod(plugin, 0o755);
    const source = await sourceOf({
      user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin } },
    });
    expect((await source.settings()).headers).toEqual({ Authorization: 'Bearer from-plugin' });
  });

  it.each([
    [
      'a certificate that cannot be read',
      { cluster: { 'certificate-authority': '/none/ca.crt' } },
      /cannot read \/none\/ca\.crt named by the kubeconfig.*Fix the path/,
    ],
    [
      'a plugin that is not installed',
      { user: { exec: { command: 'no-such-plugin' } } },
      /credential plugin "no-such-plugin" of user one failed.*Run it by hand/,
    ],
  ])('tells what to do about %s', async (_what, parts, message) => {
    await expect((await sourceOf(parts)).settings()).rejects.toThrow(message);
  });

  it.each([
    ['plain HTTP', { server: 'http://127.0.0.1:1' }, /plain HTTP\. Use https/],
    ['a SOCKS proxy', { cluster: { 'proxy-url': 'socks5://127.0.0.1:1' } }, /SOCKS proxies are not supported/],
  ])('refuses %s', async (_what, parts, message) => {
    await expect(sourceOf(parts)).rejects.toThrow(message);
  });
});

it('goes on with a new pool when the authority changes', async () => {
  const [first, second] = await Promise.all([FakeApiServer.start(), FakeApiServer.start()]);
  const ca = (server: FakeApiServer): string => server.kubeConfig().getCurrentCluster()?.caData ?? '';
  let caData = ca(first);
  const source = {
    server: first.url,
    settings: () => Promise.resolve({ tls: { ca: Buffer.from(caData, 'base64') }, headers: {} }),
    invalidate: () => {},
  };
  const client = new KubeClient(source, { userAgent: 'rig/1' });
  await client.version();
  caData = ca(second);
  await expect(client.version()).rejects.toThrow(/certificate/);
  caData = ca(first);
  await expect(client.version()).resolves.toMatchObject({ major: '1' });
  expect(first.handshakes.length).toBeGreaterThanOrEqual(2);
  await client.close();
  await Promise.all([first.stop(), second.stop()]);
});
