/** The backend against a real API server and controller manager. Nodes are played by the test. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { until } from '../testing/until.ts';
import { Bench } from './testing/bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open(inject('kubeconfig'));
});
afterAll(() => bench.close());

describe('an attempt', () => {
  it('waits, runs, ends and is forgotten', async () => {
    const backend = bench.backend();
    expect(await backend.find('whole-1')).toBeUndefined();
    const launched = await backend.launch(bench.request('whole-1'));
    expect(launched).toMatchObject({ name: 'whole-1', state: 'queued', job: { name: 'helpdesk' } });
    expect(launched.billedFrom).toBeUndefined();
    const [pod] = await bench.madePods('whole-1');
    if (pod === undefined) throw new Error('no pod');
    await bench.bind(pod);
    const starting = await bench.state(backend, 'whole-1', 'starting');
    expect(starting.billedFrom).toBeGreaterThan(Date.now() - 60_000);
    await bench.report(pod, {
      phase: 'Running',
      podIP: '10.0.0.7',
      podIPs: [{ ip: '10.0.0.7' }],
      containerStatuses: [
        {
          name: 'trainer',
          image: 'x',
          imageID: '',
          ready: true,
          restartCount: 0,
          state: { running: { startedAt: new Date().toISOString() } },
        },
      ],
    });
    const running = await bench.state(backend, 'whole-1', 'running');
    expect(running.endpoint).toContain(`/pods/${pod.metadata.name}:8080/proxy`);
    expect(await backend.token('whole-1')).toBe('token-of-whole-1');
    await bench.end(pod, { exitCode: 11 });
    const exited = await bench.state(backend, 'whole-1', 'exited');
    expect(exited.exit).toMatchObject({ code: 11, signal: null, reason: 'exited' });
    expect(exited.billedFrom).toBe(starting.billedFrom);
    expect((await backend.launch(bench.request('whole-1'))).state).toBe('exited');
    await backend.release('whole-1');
    expect(await backend.find('whole-1')).toBeUndefined();
    await expect(backend.launch(bench.request('whole-1'))).rejects.toMatchObject({ kind: 'Misconfigured' });
    expect(await backend.list()).toEqual([]);
    await until('its pods are gone', async () => (await bench.pods('whole-1')).length === 0);
  });

  it('leaves its name behind until its job is gone for long enough', async () => {
    const backend = bench.backend();
    for (const name of ['kept-1', 'forgotten-1']) {
      const job = { namespace: 'team-a', name: 'helpdesk', uid: `uid-of-${name}` };
      await backend.launch(bench.request(name, { job }));
      const [pod] = await bench.madePods(name);
      if (pod === undefined) throw new Error('no pod');
      await bench.run(pod);
      await bench.end(pod);
      await bench.state(backend, name, 'exited');
      await backend.release(name);
    }
    await backend.launch(
      bench.request('open-1', { job: { namespace: 'team-a', name: 'other', uid: 'uid-of-open-1' } }),
    );
    const records = async (): Promise<string[]> => {
      const { items } = await bench.clients.records.list({ namespace: bench.namespace });
      return items.map(({ metadata: { name } }) => name).filter((name) => /^(kept|forgotten|open)-1$/.test(name));
    };
    const isGone = (uid: string): boolean => uid !== 'uid-of-kept-1';
    expect(await backend.forgetNames(isGone, Date.now() - 60_000)).toBe(0);
    expect(await records()).toEqual(['forgotten-1', 'kept-1', 'open-1']);
    expect(await backend.forgetNames(isGone, Date.now() + 1_000)).toBe(1);
    expect(await records()).toEqual(['kept-1', 'open-1']);
    await expect(backend.launch(bench.request('kept-1'))).rejects.toMatchObject({ kind: 'Misconfigured' });
  });

  it('that is terminated while it runs is not gone before its pod is', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('ended-1'));
    const [pod] = await bench.madePods('ended-1');
    if (pod === undefined) throw new Error('no pod');
    await bench.run(pod);
    await bench.state(backend, 'ended-1', 'running');
    await backend.terminate('ended-1', { graceMs: 5_000 });
    await until(
      'the pod is told',
      async () => (await bench.pods('ended-1'))[0]?.metadata.deletionTimestamp !== undefined,
    );
    expect((await backend.find('ended-1'))?.state).toBe('running');
    await bench.letGo('ended-1');
    const exited = await bench.state(backend, 'ended-1', 'exited');
    expect(exited.exit?.reason).toBe('terminated');
    expect(exited.billedFrom).toBeDefined();
    await backend.release('ended-1');
    expect(await backend.find('ended-1')).toBeUndefined();
  });

  it('that is terminated while it waits costs nothing', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('early-1'));
    await bench.madePods('early-1');
    await backend.terminate('early-1', { graceMs: 5_000 });
    const gone = await until('it is gone', async () => {
      await backend.terminate('early-1', { graceMs: 5_000 });
      const instance = await backend.find('early-1');
      return instance?.state === 'exited' ? instance : undefined;
    });
    expect(gone.exit?.reason).toBe('terminated');
    expect(gone.billedFrom).toBeUndefined();
  });
});
