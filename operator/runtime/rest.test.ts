import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlreadyExists, isConflict, isGone, isNotFound, isThrottled, UnreachableError } from './errors.ts';
import { RuntimeMetrics } from './metrics.ts';
import { KubeClient } from './rest.ts';
import { FakeApiServer } from './testing/fake-apiserver.ts';
import { eventually, type Rig, startRig, WIDGETS, widget } from './testing/objects.ts';

let rig: Rig;
const metrics = new RuntimeMetrics();

beforeEach(async () => {
  rig = await startRig({ timeoutMs: 10_000, metrics });
});

afterEach(async () => {
  await rig.close();
});

const key = { namespace: 'default', name: 'a' };

describe('calls on a resource', () => {
  it('creates, reads, patches, replaces and deletes', async () => {
    const widgets = rig.client.resource(WIDGETS);
    const created = await widgets.create(widget('a', 1));
    expect(created.metadata.uid).toBeDefined();
    expect((await widgets.get(key)).spec.size).toBe(1);
    const patched = await widgets.patch(key, { spec: { size: 2 } });
    expect(patched.metadata.generation).toBe(2);
    const replaced = await widgets.replace({ ...patched, spec: { size: 3 } });
    expect(replaced.spec.size).toBe(3);
    await expect(widgets.replace({ ...patched, spec: { size: 4 } })).rejects.toSatisfy(isConflict);
    await widgets.delete(key);
    await expect(widgets.get(key)).rejects.toSatisfy(isNotFound);
  });

  it('tells an existing name from a conflict', async () => {
    const widgets = rig.client.resource(WIDGETS);
    await widgets.create(widget('a'));
    const error = await widgets.create(widget('a')).catch((thrown: unknown) => thrown);
    expect(isAlreadyExists(error)).toBe(true);
    expect(isConflict(error)).toBe(false);
  });

  it('reads lists page by page and gives items their type back', async () => {
    const widgets = rig.client.resource(WIDGETS);
    for (let i = 0; i < 7; i++) await widgets.create(widget(`w${i}`));
    rig.server.calls.length = 0;
    const list = await widgets.list({ limit: 3 });
    expect(list.items.map((item) => item.metadata.name)).toEqual(['w0', 'w1', 'w2', 'w3', 'w4', 'w5', 'w6']);
    expect(list.items[0]?.kind).toBe('Widget');
    expect(list.items[0]?.apiVersion).toBe('testing.example/v1');
    expect(list.metadata.continue).toBeUndefined();
    expect(rig.server.calls.length).toBe(3);
  });

  it('reports an expired page token as gone', async () => {
    const widgets = rig.client.resource(WIDGETS);
    for (let i = 0; i < 3; i++) await widgets.create(widget(`w${i}`));
    const page = await widgets.listPage({ limit: 1 });
    rig.server.store.compact();
    await expect(widgets.listPage({ limit: 1, continue: page.metadata.continue })).rejects.toSatisfy(isGone);
  });

  it('sends strict validation, the field manager and the user agent with each write', async () => {
    await rig.client.resource(WIDGETS).apply(widget('a'));
    const call = rig.server.calls.at(-1);
    expect(call?.method).toBe('PATCH');
    expect(call?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(Object.fromEntries(call?.query ?? [])).toEqual({
      fieldManager: 'rig',
      fieldValidation: 'Strict',
      force: 'true',
    });
    expect(call?.headers['user-agent']).toBe('rig/1');
    expect(call?.headers['authorization']).toBe('Bearer test-token');
  });

  it('deletes only the object that was meant', async () => {
    const widgets = rig.client.resource(WIDGETS);
    await widgets.create(widget('a'));
    await expect(widgets.delete(key, { preconditions: { uid: 'another' } })).rejects.toSatisfy(isConflict);
    expect((await widgets.get(key)).metadata.name).toBe('a');
  });
});

describe('a server in trouble', () => {
  it('waits as long as Retry-After says, then succeeds', async () => {
    rig.server.inject({ fault: { kind: 'status', code: 429, retryAfter: '1' } });
    const started = performance.now();
    await rig.client.version();
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(rig.server.calls.length).toBe(2);
  });

  it('gives a 429 back at once when Retry-After lies beyond the deadline', async () => {
    rig.server.inject({ fault: { kind: 'status', code: 429, retryAfter: '60' } });
    const started = performance.now();
    const error = await rig.client.version().catch((thrown: unknown) => thrown);
    expect(isThrottled(error)).toBe(true);
    expect(performance.now() - started).toBeLessThan(8_000);
  });

  it('repeats a 503 only when the server asks for it', async () => {
    rig.server.inject({ fault: { kind: 'status', code: 503 } });
    await expect(rig.client.version()).rejects.toMatchObject({ status: 503 });
    rig.server.inject({ fault: { kind: 'status', code: 503, retryAfter: '0' } });
    await expect(rig.client.version()).resolves.toMatchObject({ major: '1' });
  });

  it('makes an error of an answer that is not from the API server', async () => {
    rig.server.inject({ fault: { kind: 'status', code: 502, body: '<html>bad gateway</html>' } });
    await expect(rig.client.version()).rejects.toMatchObject({
      status: 502,
      message: 'GET /version: HTTP 502: <html>bad gateway</html>',
    });
  });

  it('sends a read once more after a cut connection, a write never', async () => {
    rig.server.inject({ fault: { kind: 'reset' } });
    await expect(rig.client.version()).resolves.toMatchObject({ major: '1' });
    rig.server.inject({ fault: { kind: 'reset', afterCommit: true } });
    const error = await rig.client
      .resource(WIDGETS)
      .create(widget('a'))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(rig.server.calls.filter((call) => call.method === 'POST').length).toBe(1);
    expect((await rig.client.resource(WIDGETS).get(key)).metadata.name).toBe('a');
  });

  it('gives up on a connection that never answers, and the next call works', async () => {
    rig.server.inject({ fault: { kind: 'blackHole' } });
    await expect(rig.client.version({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'DEADLINE' });
    await expect(rig.client.version()).resolves.toMatchObject({ major: '1' });
  });

  it('rejects with the reason of the caller who aborts', async () => {
    rig.server.inject({ fault: { kind: 'blackHole' } });
    const stopper = new AbortController();
    const call = rig.client.version({ signal: stopper.signal });
    await eventually(() => rig.server.calls.length === 1, 'the call arrives');
    stopper.abort(new Error('changed my mind'));
    await expect(call).rejects.toThrow('changed my mind');
    await expect(rig.client.version({ signal: stopper.signal })).rejects.toThrow('changed my mind');
  });

  it('tells what to do when nothing listens', async () => {
    await rig.server.stop();
    await expect(rig.client.version()).rejects.toThrow(
      /GET \/version at https:.*: nothing listens there. Start the cluster/,
    );
  });

  it('reads the credentials anew after a 401', async () => {
    rig.server.inject({ fault: { kind: 'status', code: 401 } });
    await expect(rig.client.version()).resolves.toMatchObject({ major: '1' });
    rig.server.inject({ fault: { kind: 'status', code: 401 }, times: 2 });
    await expect(rig.client.version()).rejects.toMatchObject({ status: 401 });
  });

  it('counts calls by method, resource and code', async () => {
    await rig.client.version();
    expect(await metrics.registry.getSingleMetricAsString('rest_client_requests_total')).toContain(
      'method="GET",resource="other",code="200"',
    );
  });
});

describe('connections', () => {
  it('are shared by all calls and speak HTTP/1.1 even where HTTP/2 is offered', async () => {
    const server = await FakeApiServer.start({ http2: true });
    const client = KubeClient.fromKubeConfig(server.kubeConfig(), { userAgent: 'rig/1' });
    for (let i = 0; i < 50; i++) await client.version();
    // The pool may open a second one while the first is still handing over its answer.
    expect(server.handshakes.length).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 200 }, () => client.version()));
    expect(server.handshakes.length).toBeLessThanOrEqual(32);
    expect(new Set(server.handshakes)).toEqual(new Set(['http/1.1']));
    await client.close();
    await server.stop();
  });

  it('do not trust another authority', async () => {
    const other = await FakeApiServer.start();
    const kc = rig.server.kubeConfig();
    kc.clusters = [{ ...kc.clusters[0], name: 'fake', server: other.url, skipTLSVerify: false }];
    const client = KubeClient.fromKubeConfig(kc, { userAgent: 'rig/1' });
    await expect(client.version()).rejects.toThrow(/certificate/);
    await client.close();
    await other.stop();
  });

  it('keep to the rate given', async () => {
    const slow = KubeClient.fromKubeConfig(rig.server.kubeConfig(), { userAgent: 'rig/1', qps: 50, burst: 5 });
    const started = performance.now();
    await Promise.all(Array.from({ length: 15 }, () => slow.version()));
    expect(performance.now() - started).toBeGreaterThanOrEqual(195);
    await slow.close();
  });
});
