import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { LEASES, LeaderElector, type LeaderOptions, type Lease } from './leader.ts';
import { silentLogger } from './log.ts';
import { RuntimeMetrics } from './metrics.ts';
import { type Rig, startRig } from './testing/objects.ts';

const LEASE = 'coordination.k8s.io/v1/leases';
const key = { namespace: 'kube-system', name: 'test' };
const electors: LeaderElector[] = [];
/** Leases run out by this clock, however slowly the machine gets on. */
let clock: FakeClock;
let rig: Rig;
let lost: string[];

beforeEach(async () => {
  clock = new FakeClock();
  rig = await startRig({ clock });
  lost = [];
});

afterEach(async () => {
  rig.server.clearFaults();
  await Promise.all(electors.splice(0).map((elector) => elector.stop()));
  await rig.close();
});

function elector(identity: string, options: Partial<LeaderOptions> = {}): LeaderElector {
  const made = new LeaderElector({
    client: rig.client,
    ...key,
    identity,
    log: silentLogger(),
    clock,
    leaseMs: 3_000,
    renewDeadlineMs: 2_000,
    retryMs: 50,
    onLost: (reason) => void lost.push(`${identity}: ${reason}`),
    ...options,
  });
  electors.push(made);
  return made;
}

const lease = (): Promise<Lease> => rig.client.resource(LEASES).get(key);

/** Lets time pass until the condition holds, at most a minute of it. Calls are answered as fast as the machine can. */
async function passing(condition: () => boolean, what: string): Promise<void> {
  const end = clock.now() + 60_000;
  while (!condition()) {
    if (clock.now() > end) throw new Error(`not within a minute: ${what}`);
    await clock.advance(10);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('taking the lease', () => {
  it('makes it when there is none, and renews it', async () => {
    const metrics = new RuntimeMetrics();
    const a = elector('a', { metrics });
    expect(a.isLeader).toBe(false);
    await a.start();
    expect(a.isLeader).toBe(true);
    const first = await lease();
    expect(first.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 3, leaseTransitions: 1 });
    expect(first.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const renewals = (): number => rig.server.calls.filter((call) => call.method === 'PUT').length;
    await passing(() => renewals() >= 3, 'three renewals');
    expect((await lease()).spec?.acquireTime).toBe(first.spec?.acquireTime);
    expect(await metrics.registry.metrics()).toContain('leader_election_master_status{name="test"} 1');
  });

  it('waits for another holder, takes over at once when that one stops, and counts the term', async () => {
    const a = elector('a', { retryMs: 500 });
    await a.start();
    const b = elector('b');
    let bLeads = false;
    const started = b.start().then(() => {
      bLeads = true;
    });
    await passing(() => rig.server.calls.length > 12, 'b has tried a few times');
    expect(bLeads).toBe(false);
    const stoppedAt = clock.now();
    await a.stop();
    expect(a.isLeader).toBe(false);
    await passing(() => bLeads, 'b leads');
    await started;
    // Far below the lease: it was given back, not waited for.
    expect(clock.now() - stoppedAt).toBeLessThan(1_000);
    expect(b.fencingEpoch).toBeGreaterThan(a.fencingEpoch);
    expect(lost).toEqual([]);
  });

  it('takes over from a holder that died, but not before the lease has run out', async () => {
    const spec = {
      holderIdentity: 'dead',
      leaseDurationSeconds: 1,
      leaseTransitions: 7,
      renewTime: '2000-01-01T00:00:00.000000Z',
    };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec };
    rig.server.store.create(LEASE, 'kube-system/test', body);
    const from = clock.now();
    const a = elector('a');
    const started = a.start();
    await passing(() => a.isLeader, 'a leads');
    await started;
    // Its own clock counts from when it first saw the lease: the time written by the holder is not trusted.
    expect(clock.now() - from).toBeGreaterThanOrEqual(1_000);
    expect(a.fencingEpoch).toBe(8);
  });

  it('lets exactly one of many lead', async () => {
    const many = Array.from({ length: 8 }, (_, index) => elector(`p${index}`));
    await Promise.any(many.map((one) => one.start().then(() => one)));
    await passing(() => rig.server.calls.length > 60, 'all have tried');
    expect(many.filter((one) => one.isLeader).length).toBe(1);
  });

  it('gives up when stopped before leading', async () => {
    await elector('a').start();
    const b = elector('b');
    const started = b.start();
    await b.stop();
    await expect(started).rejects.toThrow('leader election stopped');
  });

  it('refuses times that could let two lead', () => {
    expect(() => elector('a', { leaseMs: 500, renewDeadlineMs: 500, retryMs: 50 })).toThrow(
      'lease > renew deadline > retry',
    );
  });
});

describe('losing the lease', () => {
  it('tells once when the server cannot be reached for longer than the deadline', async () => {
    const a = elector('a');
    await a.start();
    rig.server.inject({ fault: { kind: 'status', code: 500 }, times: 1_000 });
    await passing(() => lost.length > 0, 'the loss is told');
    expect(a.isLeader).toBe(false);
    expect(lost.length).toBe(1);
    expect(lost[0]).toMatch(/^a: the lease could not be renewed for \d+ ms$/);
  });

  it.each(['GET', 'PUT'])('tells by the deadline when each %s hangs, before others may take over', async (method) => {
    const a = elector('a');
    await a.start();
    rig.server.inject({ fault: { kind: 'blackHole' }, times: 1_000, match: (call) => call.method === method });
    const from = clock.now();
    await passing(() => lost.length > 0, 'the loss is told');
    // The lease is 3 s, the deadline 2 s, counted from a renewal just before the fault.
    expect(clock.now() - from).toBeLessThan(2_100);
  });

  it('tells by the deadline when answers are slow enough to use it up', async () => {
    const a = elector('a');
    await a.start();
    rig.server.inject({ fault: { kind: 'delay', ms: 900 }, times: 1_000, match: (call) => call.method === 'GET' });
    rig.server.inject({ fault: { kind: 'blackHole' }, times: 1_000, match: (call) => call.method === 'PUT' });
    const from = clock.now();
    await passing(() => lost.length > 0, 'the loss is told');
    expect(clock.now() - from).toBeLessThan(2_100);
  });

  it('tells when another has taken the lease', async () => {
    const a = elector('a');
    await a.start();
    const current = rig.server.store.get(LEASE, 'kube-system/test') as Lease;
    const spec = { ...current.spec, holderIdentity: 'thief' };
    rig.server.store.replace(LEASE, 'kube-system/test', { ...current, spec } as Lease);
    await passing(() => lost.length > 0, 'the loss is told');
    expect(lost).toEqual(['a: thief has taken the lease']);
  });

  it('rides out a short failure', async () => {
    const a = elector('a');
    await a.start();
    rig.server.inject({ fault: { kind: 'status', code: 500 }, times: 3 });
    rig.server.inject({ fault: { kind: 'reset' }, times: 2 });
    const before = rig.server.calls.length;
    await passing(() => rig.server.calls.length > before + 12, 'some renewals later');
    expect(lost).toEqual([]);
    expect(a.isLeader).toBe(true);
  });

  it('does not count itself leader while its clock says the lease has run out', async () => {
    let now = 0;
    const a = elector('a', { clock: Object.assign(new FakeClock(), { now: () => now }) });
    await a.start();
    expect(a.isLeader).toBe(true);
    now = 3_001;
    expect(a.isLeader).toBe(false);
  });
});
