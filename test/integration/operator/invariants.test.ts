import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ComputeProvider,
  ComputeProviderResource,
  type TrainingJob,
  TrainingJobResource,
  TrainingPlanResource,
} from '@kriptik/crds';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditLog } from '../../support/audit.ts';
import type { ProcessWatch } from '../../support/process-watch.ts';
import { refused } from '../../support/refused.ts';
import { readBack, restorable, spoil } from '../../support/saved.ts';
import { waitFor } from '../../support/wait.ts';
import { World } from '../../support/world.ts';
import { API, Watched } from './watched.ts';
import { expectApproved, expectSpecsOwned, expectTokensKept } from './witness.ts';

const QUIET_MS = 20_000;
const STALE = `sha256:${'0'.repeat(64)}`;

/** Seen from outside: the API server's audit log, the process table, the files on the disk. */
describe('what may never break', () => {
  let here: Watched;
  let world: World;
  let watch: ProcessWatch;

  beforeAll(async () => {
    here = await Watched.start((options) => World.start(options));
    ({ world, watch } = here);
  });
  afterAll(async () => await here?.stop());

  it('starts nothing without the approval of exactly this digest by who may give it', async () => {
    await world.createGoal('gate', { constraints: { maxSteps: 2_000, checkpointEverySteps: 10 } });
    const goal = await world.goalIn('gate', 'AwaitingApproval');
    const plan = (await world.plans()).find(({ metadata }) => metadata.name === goal.status?.planRef?.name);
    if (plan === undefined) throw new Error('the goal has no plan');
    const digest = plan.status?.digest ?? '';
    const decide = async (client: KubeClient, user: string, change: object = {}, status: object = {}) => {
      const approval = { decision: 'Approved', digest, user, at: new Date().toISOString(), via: 'status', ...change };
      return await client
        .resource(TrainingPlanResource)
        .status.patch(here.keyOf(plan), { status: { approval, ...status } });
    };
    await refused(decide(here.approver, 'alice', { digest: STALE }), 'digest');
    await refused(decide(here.editor, 'erin'), 'trainingplans/status');
    await refused(decide(here.approver, 'bob'), 'everybody decides in their own name');
    await refused(decide(here.approver, 'alice', { via: 'policy' }), 'only the operator may record');
    await refused(decide(here.approver, 'alice', { digest: STALE }, { digest: STALE }), 'may not write the status');
    await refused(
      here.editor.resource(TrainingPlanResource).status.patch(here.keyOf(plan), { status: { digest: STALE } }),
      'trainingplans/status',
    );
    const { resolved, quote } = plan.status ?? {};
    if (resolved === undefined || quote === undefined) throw new Error('the plan has no price');
    const metadata = { name: plan.metadata.name, namespace: world.namespace };
    const forged: Pick<TrainingJob, 'apiVersion' | 'kind' | 'spec'> & { metadata: typeof metadata } = {
      apiVersion: 'training.kriptik.ai/v1alpha1',
      kind: 'TrainingJob',
      metadata,
      spec: {
        goalRef: plan.spec.goalRef,
        planRef: { name: plan.metadata.name, uid: plan.metadata.uid, digest },
        run: { contract: plan.spec.contract, resolved, quote },
        replicas: 1,
      },
    };
    await refused(here.editor.raw('POST', `${API}/namespaces/${world.namespace}/trainingjobs`, { body: forged }));
    // Even an administrator's hand makes no difference: the operator asks for the approval itself.
    await world.client.raw('POST', `${API}/namespaces/${world.namespace}/trainingjobs`, { body: forged });
    await waitFor('the forged job to be looked at', async () =>
      (await here.jobOf('gate'))?.status?.conditions?.some(
        ({ type, reason }) => type === 'Approved' && reason === 'NotApproved',
      )
        ? true
        : undefined,
    );
    expect(watch.seen).toEqual([]);
    const [job] = await world.jobs();
    if (job === undefined) throw new Error('the forged job is gone');
    await world.client.resource(TrainingJobResource).delete(here.keyOf(job));
    await waitFor('no job', async () => ((await here.jobOf('gate')) === undefined ? true : undefined));
    // What a job spent is taken from the price of the next: none, so the plan is what it was.
    await waitFor('the plan as it was', async () =>
      (await world.plans()).some(({ status }) => status?.phase === 'AwaitingApproval' && status.digest === digest)
        ? true
        : undefined,
    );

    await decide(here.approver, 'alice');
    await waitFor('a trainer', () => (watch.live.length > 0 ? true : undefined));
    const started = await here.jobOf('gate');
    if (started === undefined) throw new Error('there is no job');
    await refused(
      here.editor.resource(TrainingPlanResource).patch(here.keyOf(plan), { spec: { selection: { gpu: 'other' } } }),
    );
    const dearer = { run: { quote: { ...quote, limit: '99.00' } } };
    await refused(here.editor.resource(TrainingJobResource).patch(here.keyOf(started), { spec: dearer }));
  });

  it('starts no further attempt once the plan is gone', async () => {
    const job = await here.jobOf('gate');
    if (job === undefined) throw new Error('there is no job');
    await here.scale(job, 0);
    await world.goalIn('gate', 'Paused');
    await world.client.resource(TrainingJobResource).patch(here.keyOf(job), { metadata: { ownerReferences: [] } });
    await world.client.resource(TrainingPlanResource).delete(here.keyOf(job));
    const before = watch.seen.length;
    await here.scale(job, 1);
    await waitFor('PlanMissing', async () =>
      (await here.jobOf('gate'))?.status?.conditions?.some(({ reason }) => reason === 'PlanMissing') ? true : undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(watch.seen.length).toBe(before);
    await world.client.resource(TrainingJobResource).delete(here.keyOf(job));
    await here.drop('gate');
  });

  const stops: readonly (readonly [string, (job: TrainingJob) => Promise<unknown>, string[]])[] = [
    ['paused', (job) => here.scale(job, 0), ['Paused']],
    [
      'suspended',
      (job) =>
        world.client.raw('PATCH', `${API}/namespaces/${world.namespace}/traininggoals/${job.spec.goalRef.name}`, {
          body: { spec: { suspend: true } },
          contentType: 'application/merge-patch+json',
        }),
      ['Paused'],
    ],
    ['cut', (job) => world.setBudget(job.spec.goalRef.name, '0.001'), ['Frozen']],
    ['gone', (job) => here.editor.resource(TrainingJobResource).delete(here.keyOf(job)), []],
    [
      'deleted',
      (job) =>
        world.client.raw('DELETE', `${API}/namespaces/${world.namespace}/traininggoals/${job.spec.goalRef.name}`),
      [],
    ],
  ];
  it.each(stops)(
    'leaves nothing running of a job that is %s, the operator killed in that moment',
    async (name, stop, phases) => {
      const job = await here.running(name);
      await stop(job);
      await here.restart();
      await here.nothingRuns();
      if (phases.length === 0) {
        await waitFor('no job', async () => ((await here.jobOf(name)) === undefined ? true : undefined));
        return;
      }
      await world.goalIn(name, ...phases);
      const rested = await here.jobOf(name);
      if (rested === undefined) throw new Error('there is no job');
      expect(await restorable(rested)).toBeGreaterThan(0);
      expect(rested.status?.attempts?.every(({ state }) => state === 'Gone')).toBe(true);
    },
  );

  it('resumes at the step that was saved or later', async () => {
    const paused = await here.jobOf('paused');
    if (paused === undefined) throw new Error('there is no job');
    const saved = await restorable(paused);
    await here.scale(paused, 1);
    const resumed = await waitFor('a second attempt', async () => {
      const job = await here.jobOf('paused');
      return (job?.status?.progress?.step ?? 0) > saved + 5 && job?.status?.attempts?.length === 2 ? job : undefined;
    });
    expect(resumed.status?.attempts?.[1]?.resumedFromStep).toBe(saved);
    await here.scale(resumed, 0);
    // The goal may not have shown yet that it went on.
    await waitFor('the second pause', async () =>
      (await here.jobOf('paused'))?.status?.attempts?.every(({ state }) => state === 'Gone') ? true : undefined,
    );
    await here.nothingRuns();
    await world.goalIn('paused', 'Paused');
  });

  it('ends the old trainer before the one of a newer plan starts', async () => {
    const old = await here.running('superseded');
    await world.client.raw('PATCH', `${API}/namespaces/${world.namespace}/traininggoals/superseded`, {
      body: { spec: { goal: `${old.spec.run.contract.goalText} Answer in one sentence.` } },
      contentType: 'application/merge-patch+json',
    });
    const newer = await waitFor('another plan', async () =>
      (await world.plans()).find(
        ({ spec, status, metadata }) =>
          spec.goalRef.name === 'superseded' && metadata.name !== old.metadata.name && status?.digest !== undefined,
      ),
    );
    expect(watch.live).toEqual([old.status?.attempts?.[0]?.name]);
    await world.approvePlan(newer);
    await here.restart();
    await waitFor('the newer trainer', () =>
      watch.seen.at(-1)?.name.startsWith(`kriptik-${old.metadata.uid.slice(0, 8)}`) ? undefined : true,
    );
    await waitFor('the older job to say so', async () => {
      const after = (await world.jobs()).find(({ metadata }) => metadata.name === old.metadata.name);
      return after?.status?.phase === 'Superseded' ? true : undefined;
    });
    await here.drop('superseded');
  });

  it('keeps a provider while something runs there', async () => {
    const job = await here.running('hosted');
    const providers = world.client.resource(ComputeProviderResource);
    await waitFor('the provider to count it', async () =>
      (await providers.get({ name: 'workstation' })).status?.instances === 1 ? true : undefined,
    );
    await refused(providers.delete({ name: 'workstation' }), 'live instances');
    // Should it go all the same, the operator that drove it still ends what runs there.
    const { spec }: ComputeProvider = await providers.get({ name: 'workstation' });
    await waitFor('the delete to come before the operator counts again', async () => {
      await providers.status.patch({ name: 'workstation' }, { status: { instances: 0 } });
      return await providers.delete({ name: 'workstation' }).then(
        () => true,
        () => undefined,
      );
    });
    await here.scale(job, 0);
    await here.nothingRuns();
    await waitFor('the pause', async () =>
      (await here.jobOf('hosted'))?.status?.phase === 'Paused' ? true : undefined,
    );
    await providers.create({
      apiVersion: 'training.kriptik.ai/v1alpha1',
      kind: 'ComputeProvider',
      metadata: { name: 'workstation' },
      spec,
    });
  });

  it('calls a job finished only with a model that can be read back', async () => {
    const finished = async (name: string): Promise<TrainingJob> => {
      // It waits before its end until nobody sees that any more.
      const hold = join(world.directory, 'hold');
      await writeFile(hold, '');
      await here.restart('--hold-at', '40', '--hold-while', hold);
      const job = await here.running(name, '1.00', 60);
      await here.kill();
      await rm(hold);
      await waitFor('the end of the training', () => (watch.live.length === 0 ? true : undefined));
      return job;
    };
    await finished('whole');
    await here.restart();
    await world.goalIn('whole', 'Succeeded');
    const whole = await here.jobOf('whole');
    expect(whole?.status?.artifacts?.length).toBeGreaterThan(0);
    for (const artifact of whole?.status?.artifacts ?? []) await readBack(artifact);

    const job = await finished('broken');
    await spoil(join(await here.storeOf(job), 'artifacts', 'adapter'));
    await here.restart();
    await world.goalIn('broken', 'Failed');
    const broken = await here.jobOf('broken');
    expect(broken?.status?.artifacts ?? []).toEqual([]);
    expect(broken?.status?.conditions?.find(({ type }) => type === 'Failed')?.reason).toBe('ArtifactUnverified');
  });

  it('writes nothing at rest, in any phase', async () => {
    await world.createGoal('waiting');
    await world.goalIn('waiting', 'AwaitingApproval');
    await world.createGoal('vague', { budget: undefined as never });
    await world.goalIn('vague', 'NeedsClarification');
    const phases = (
      await Promise.all(['waiting', 'vague', 'paused', 'cut', 'whole', 'broken'].map((name) => world.goal(name)))
    ).map(({ status }) => status?.phase);
    expect(phases).toEqual(['AwaitingApproval', 'NeedsClarification', 'Paused', 'Frozen', 'Succeeded', 'Failed']);
    await waitFor('quiet', async () => {
      const before = (await world.writes()).length;
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      return (await world.writes()).length === before ? true : undefined;
    });
    const before = (await world.writes()).length;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    expect((await world.writes()).slice(before)).toEqual([]);
  });

  it('never started a trainer whose digest was not approved before, nor two at a time', async () => {
    expectApproved(watch, await auditLog(world.controlPlane.auditLogPath), 10);
  });

  it('never wrote a spec that people own', async () => {
    expectSpecsOwned(await auditLog(world.controlPlane.auditLogPath));
  });

  it('tells the token of a trainer to nobody', async () => {
    const audited = await readFile(world.controlPlane.auditLogPath ?? '', 'utf8');
    await expectTokensKept(here, { audited, event: 'AttemptSucceeded', least: 10 });
  });

  it('lets a namespace go with everything that runs in it', async () => {
    await here.running('last');
    await world.client.raw('DELETE', `/api/v1/namespaces/${world.namespace}`);
    await here.restart();
    await here.nothingRuns();
    await waitFor('no job', async () => ((await world.jobs()).length === 0 ? true : undefined));
  });
});
