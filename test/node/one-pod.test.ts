import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeUnavailableHere } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';
import { expectFenced } from './fenced.ts';
import { HUB_TOKEN, killAll, NodeWorld, STEPS, USD_PER_SECOND } from './world.ts';

const unavailable = nodeUnavailableHere();
if (unavailable !== undefined) console.warn(`no pods can be run here, so none are tested: ${unavailable}`);

describe.skipIf(unavailable !== undefined)('a job in one pod of a real node', () => {
  let cluster: NodeWorld;
  let operator: ChildProcess;
  /** What an undisturbed run makes of the same goal. */
  let calm: Map<string, string>;

  const restart = async (): Promise<void> => {
    operator.kill('SIGKILL');
    await once(operator, 'exit');
    operator = await cluster.world.startOperator();
  };

  beforeAll(async () => {
    cluster = await NodeWorld.start();
    operator = await cluster.world.startOperator();
  }, 600_000);
  afterAll(async () => await cluster?.stop(), 120_000);

  it('trains to the end when nothing disturbs it, and leaves no pod', async () => {
    await cluster.launch('calm');
    calm = await cluster.weights('calm');
    await cluster.noPods('calm');
    const { status } = await cluster.job('calm');
    expect(status?.attempts).toHaveLength(1);
    expect(status?.progress?.step).toBe(STEPS);
  });

  it('freezes before the limit with a verified checkpoint and no pod, and goes on from it once the limit is raised', async () => {
    await cluster.launch('raised');
    await cluster.past('raised', 12);
    const limit = await cluster.limitIn('raised', 8);
    const frozen = await cluster.inPhase('raised', 'Frozen');
    expect(await cluster.pods('raised')).toEqual([]);
    expect(Number(frozen.status?.cost?.spent)).toBeLessThanOrEqual(limit);
    const saved = frozen.status?.checkpoints?.at(-1);
    if (saved?.verifiedAt === undefined) throw new Error('the newest checkpoint is not verified');
    await cluster.readBack(saved);
    expect(saved.step).toBeGreaterThanOrEqual(12);
    expect(saved.step).toBeLessThan(STEPS);

    await cluster.world.setBudget('raised', '5.00');
    expect(await cluster.weights('raised')).toEqual(calm);
    const { status } = await cluster.job('raised');
    expect(status?.attempts?.map(({ outcome }) => outcome)).toEqual(['Frozen', 'Succeeded']);
    expect(status?.attempts?.at(-1)?.resumedFromStep).toBe(saved.step);
  });

  it('keeps its checkpoints on a claim that only pods can read, and goes on from one of them', async () => {
    await cluster.withClaims(async () => {
      await cluster.launch('claimed');
      await cluster.past('claimed', 12);
      const limit = await cluster.limitIn('claimed', 8);
      const frozen = await cluster.inPhase('claimed', 'Frozen');
      await cluster.noPods('claimed');
      expect(Number(frozen.status?.cost?.spent)).toBeLessThanOrEqual(limit);
      const saved = frozen.status?.checkpoints?.at(-1);
      if (saved?.verifiedAt === undefined)
        throw new Error(`the newest checkpoint is not verified: ${JSON.stringify(frozen.status)}`);
      expect(saved.uri).toMatch(/^pvc:\/\/checkpoints\/jobs\//);
      await cluster.readBack(saved);

      await cluster.world.setBudget('claimed', '5.00');
      expect(await cluster.weights('claimed')).toEqual(calm);
      const { status } = await cluster.job('claimed');
      expect(status?.attempts?.at(-1)?.resumedFromStep).toBe(saved.step);
      await cluster.noPods('claimed');
      expect(await cluster.readers()).toEqual([]);
    });
  });

  it('goes on from the last checkpoint when the trainer is killed with -9', async () => {
    await cluster.launch('killed');
    await cluster.past('killed', 22);
    const [pod] = await cluster.pods('killed');
    if (pod === undefined) throw new Error('no pod runs');
    const processes = await cluster.processesOf(pod);
    // While it runs: the token of the Hub is a file that it alone may read, and no variable.
    const { variables, file } = await cluster.givenTo(processes[0]?.pid ?? 0, '/kriptik/hub/token');
    expect(file).toBe(HUB_TOKEN);
    expect(variables).toContain('HF_TOKEN_PATH=/kriptik/hub/token');
    expect(variables.join()).not.toContain(HUB_TOKEN);
    killAll(processes);
    expect(await cluster.weights('killed')).toEqual(calm);
    const { status } = await cluster.job('killed');
    expect(status?.attempts?.map(({ outcome }) => outcome)).toEqual(['Lost', 'Succeeded']);
    expect(status?.attempts?.at(-1)?.resumedFromStep).toBeGreaterThanOrEqual(20);
  });

  it('saves its work when the node is drained, waits for a node, and goes on', async () => {
    await cluster.launch('drained');
    await cluster.past('drained', 12);
    await cluster.node.drain();
    try {
      const waiting = await cluster.jobThat('waits for a node', 'drained', ({ status }) =>
        ['InsufficientCapacity', 'Unschedulable', 'NoProviderReady'].includes(
          status?.conditions?.find(({ type }) => type === 'Ready')?.reason ?? '',
        ),
      );
      expect(waiting.status?.phase).toBe('Pending');
    } finally {
      await cluster.node.uncordon();
    }
    expect(await cluster.weights('drained')).toEqual(calm);
    const { status } = await cluster.job('drained');
    expect(status?.attempts?.at(-1)?.resumedFromStep).toBeGreaterThanOrEqual(12);
  });

  it('ends as it would have when the operator is killed with -9 in every phase', async () => {
    await cluster.launch('operated');
    const seen: string[] = [];
    for (const phase of ['Provisioning', 'Running'] as const) {
      await cluster.inPhase('operated', phase, 'Running');
      seen.push(phase);
      await restart();
    }
    await cluster.past('operated', 12);
    const limit = await cluster.limitIn('operated', 8);
    for (const phase of ['Freezing', 'Frozen'] as const) {
      await cluster.inPhase('operated', phase, 'Frozen');
      seen.push(phase);
      await restart();
    }
    const frozen = await cluster.inPhase('operated', 'Frozen');
    expect(Number(frozen.status?.cost?.spent)).toBeLessThanOrEqual(limit);
    await cluster.noPods('operated');
    await cluster.world.setBudget('operated', '5.00');
    await cluster.inPhase('operated', 'Provisioning', 'Running', 'Succeeded');
    await restart();
    expect(await cluster.weights('operated')).toEqual(calm);
    await restart();
    expect((await cluster.inPhase('operated', 'Succeeded')).status?.attempts).toHaveLength(2);
  });

  it('reaches its store alone, and freezes itself in time when the API server is gone for a minute across the limit', async () => {
    // Much longer than the others: it must not be done before its money is, nor before it is paused.
    await cluster.launch('alone', { limit: '50.00', steps: 20 * STEPS });
    await cluster.past('alone', 12);
    await expectFenced(cluster, 'alone');
    const limit = await cluster.limitIn('alone', 8);
    const { status } = await cluster.jobThat(
      'knows that its trainer keeps the new deadline',
      'alone',
      ({ status: now }) => {
        const { deadline, deadlineLimit } = now?.attempts?.at(-1) ?? {};
        return Number(deadlineLimit) === limit && Date.parse(deadline ?? '') < Date.now() + 60_000;
      },
    );
    const [pod] = await cluster.pods('alone');
    if (pod === undefined) throw new Error('no pod runs');
    const spent = Number(status?.cost?.spent);
    const moneyEnds = Date.parse(status?.cost?.asOf ?? '') + ((limit - spent) / USD_PER_SECOND) * 1000;
    await cluster.node.stopApiServer();
    const stopped = performance.now();
    try {
      await waitFor('the end of the trainer', async () =>
        (await cluster.processesOf(pod)).length === 0 ? true : undefined,
      );
      expect(Date.now()).toBeLessThan(moneyEnds);
      await waitFor('a minute to pass', () => (performance.now() - stopped > 60_000 ? true : undefined), {
        timeoutMs: 90_000,
        everyMs: 500,
      });
    } finally {
      await cluster.node.startApiServer();
    }
    const frozen = await cluster.inPhase('alone', 'Frozen');
    expect(Number(frozen.status?.cost?.spent), JSON.stringify(frozen.status?.attempts)).toBeLessThanOrEqual(limit);
    const saved = frozen.status?.checkpoints?.at(-1);
    if (saved?.verifiedAt === undefined) throw new Error('the newest checkpoint is not verified');
    await cluster.readBack(saved);
    await cluster.world.setBudget('alone', '50.00');
    const resumed = await cluster.past('alone', saved.step + 5);
    expect(resumed.status?.attempts?.at(-1)?.resumedFromStep).toBe(saved.step);
    await cluster.scale('alone', 0);
    await cluster.inPhase('alone', 'Paused');
    await cluster.noPods('alone');
  });
});
