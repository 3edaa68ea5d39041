import { TrainingGoalResource, TrainingJobResource } from '@kriptik/crds';
import { LEASES, type Lease } from '@kriptik/operator/runtime/leader.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { sharedCluster } from './cluster.ts';
import { brokenIn } from './invariants.ts';
import { GOAL, Lane, type Seen } from './lane.ts';
import { Replica } from './replica.ts';

const LIMIT = 8;
const LEASE = { namespace: 'kriptik-system', name: 'kriptik-operator' };
/** A lease lasts 15 s; a new leader starts then. */
const TAKEOVER = { timeoutMs: 90_000 };

describe('two replicas and a lease that is lost', () => {
  let cluster: ControlPlane;
  let lane: Lane;
  const replicas: Replica[] = [];

  const start = async (): Promise<Replica> => {
    const replica = await Replica.start(lane, `replica-${replicas.length}`);
    replicas.push(replica);
    return replica;
  };
  const lease = async (): Promise<Lease> => await lane.world.client.resource(LEASES).get(LEASE);
  const leader = async (not?: Replica): Promise<Replica> =>
    await waitFor(
      'a leader',
      async () => {
        const holder = await lease().then(
          ({ spec }) => spec?.holderIdentity,
          () => undefined,
        );
        return replicas.find((one) => one !== not && one.holds(holder));
      },
      TAKEOVER,
    );
  const until = async (what: string, look: (seen: Seen) => boolean): Promise<Seen> =>
    await waitFor(
      what,
      async () => {
        const seen = await lane.look();
        return look(seen) ? seen : undefined;
      },
      TAKEOVER,
    );
  const scale = async (replicasWanted: number): Promise<void> => {
    const { jobs } = await lane.look();
    const key = { namespace: lane.world.namespace, name: jobs[0]?.metadata.name ?? '' };
    await lane.world.client.resource(TrainingJobResource).patch(key, { spec: { replicas: replicasWanted } });
  };
  const attemptsIn = ({ jobs }: Seen): string[] => (jobs[0]?.status?.attempts ?? []).map(({ state }) => state);

  beforeAll(async () => {
    cluster = await sharedCluster();
    lane = await Lane.start({ cluster, name: 'replicas' });
  });
  afterAll(async () => {
    for (const replica of replicas) await replica.stop();
    await lane.stop();
    await cluster.stop();
  });

  it('one of them works, the other only looks', async () => {
    await start();
    await start();
    const first = await leader();
    await lane.world.createGoal(GOAL, {
      budget: { limit: String(LIMIT), currency: 'USD', alertAt: 80, warnAt: 95 },
      constraints: { maxSteps: 20_000, checkpointEverySteps: 50 },
    });
    await lane.world.approve(GOAL);
    await until('a saved checkpoint', ({ jobs }) => (jobs[0]?.status?.checkpoints?.length ?? 0) > 0);
    for (const other of replicas.filter((one) => one !== first)) expect(other.workSince(0)).toEqual([]);
  });

  it('a leader that stood still for too long changes nothing when it wakes, and ends', async () => {
    const old = await leader();
    process.kill(old.pid, 'SIGSTOP');
    const next = await leader(old);
    await scale(0);
    await until('the pause under the new leader', ({ goal }) => goal?.status?.phase === 'Paused');
    await scale(1);
    await until('the second attempt', (seen) => attemptsIn(seen).join() === 'Gone,Running');
    const woken = Date.now();
    process.kill(old.pid, 'SIGCONT');
    await waitFor('the old leader to end', () => (old.ended ? true : undefined), TAKEOVER);
    expect(old.child.exitCode).toBe(1);
    expect(old.workSince(woken).map(({ label }) => label)).toEqual([]);
    expect(next.holds((await lease()).spec?.holderIdentity)).toBe(true);
    expect(attemptsIn(await lane.look())).toEqual(['Gone', 'Running']);
    expect(lane.processes.most).toBe(1);
  });

  it('a leader whose lease is stolen ends, and who comes after the thief goes on', async () => {
    const old = await leader();
    const spare = await start();
    const { metadata, spec } = await lease();
    const stolen = Date.now();
    const thief = { ...spec, holderIdentity: 'thief', renewTime: new Date().toISOString().replace('Z', '000Z') };
    // As kubectl edit does it: whatever the holder wrote in between is overwritten.
    await lane.world.client.resource(LEASES).patch({ ...LEASE, name: metadata.name }, { spec: thief });
    await waitFor('the old leader to end', () => (old.ended ? true : undefined), TAKEOVER);
    expect(old.child.exitCode).toBe(1);
    // It may finish what it was at when it learned of the theft, and begins nothing after it.
    const learned = old.proxy.writes.findLast(({ call }) => call.resource === 'leases')?.at ?? stolen;
    expect(old.workSince(learned + 5_000)).toEqual([]);
    expect(await leader(old)).toBe(spare);
    expect(attemptsIn(await lane.look())).toEqual(['Gone', 'Running']);
    expect(lane.processes.most).toBe(1);
  });

  it('nothing broke on the way, and the last leader takes everything away', async () => {
    await lane.world.client.resource(TrainingGoalResource).delete({ namespace: lane.world.namespace, name: GOAL });
    await until('the end of the job', ({ goal, jobs }) => goal === undefined && jobs.length === 0);
    await waitFor('the end of all processes', () => (lane.processes.live.length === 0 ? true : undefined));
    expect(await brokenIn(lane, await lane.look(), LIMIT)).toEqual([]);
  });
});
