import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ComputeProvider,
  ComputeProviderResource,
  type TrainingJob,
  TrainingJobResource,
  type TrainingPlan,
  TrainingPlanResource,
} from '@kriptik/crds';
import { planDigest } from '@kriptik/operator/digest.ts';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accepted, auditLog } from '../../support/audit.ts';
import { ProcessWatch } from '../../support/process-watch.ts';
import { refused } from '../../support/refused.ts';
import { checkpointsIn, readBack, restorable, spoil } from '../../support/saved.ts';
import { waitFor } from '../../support/wait.ts';
import { World } from '../../support/world.ts';

/** With the fee 3.96 USD an hour: 0.0011 a second. */
const PRICE = 3.6;
const FEE = 1.1;
/** Everything of an attempt is gone this long after its end was asked for. */
const GONE_MS = 15_000;
const QUIET_MS = 20_000;
const API = '/apis/training.kriptik.ai/v1alpha1';
const STALE = `sha256:${'0'.repeat(64)}`;

/** Seen from outside: the API server's audit log, the process table, the files on the disk. */
describe('what may never break', () => {
  let world: World;
  let watch: ProcessWatch;
  let operator: ChildProcess;
  let editor: KubeClient;
  let approver: KubeClient;

  beforeAll(async () => {
    process.env['LOG_LEVEL'] = 'debug';
    world = await World.start({
      pricePerHour: String(PRICE),
      settings: {
        pollMs: 200,
        progressMs: 300,
        assumedCheckpointMs: 300,
        assumedStartMs: 500,
        teardownMs: 3_000,
        killGraceMs: 1_000,
        retryMs: 200,
        waitMs: 300,
      },
      trainerArguments: ['--step-ms', '50', '--checkpoint-ms', '50'],
    });
    watch = new ProcessWatch(world.workDir);
    operator = await world.startOperator();
    editor = await world.person('erin', 'kriptik-editor');
    approver = await world.person('alice', 'kriptik-approver');
  });
  afterAll(async () => {
    await watch.stop();
    await world.stop();
    delete process.env['LOG_LEVEL'];
  });

  const jobOf = async (goal: string): Promise<TrainingJob | undefined> =>
    (await world.jobs()).filter((job) => job.spec.goalRef.name === goal).at(-1);
  const keyOf = (object: TrainingJob | TrainingPlan) => ({ namespace: world.namespace, name: object.metadata.name });
  const kill = async (): Promise<void> => {
    operator.kill('SIGKILL');
    await once(operator, 'exit');
  };
  const restart = async (trainerArguments?: readonly string[]): Promise<void> => {
    if (operator.exitCode === null && operator.signalCode === null) await kill();
    operator = await world.startOperator(trainerArguments === undefined ? {} : { trainerArguments });
  };
  const nothingRuns = async (): Promise<void> => {
    await waitFor('the end of all processes', () => (watch.live.length === 0 ? true : undefined), {
      timeoutMs: GONE_MS,
      everyMs: 20,
    });
  };
  /** A goal that trains for long, its job past a few steps. */
  const running = async (name: string, limit = '1.00', steps = 2_000): Promise<TrainingJob> => {
    await world.createGoal(name, {
      budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 },
      constraints: { maxSteps: steps, checkpointEverySteps: 10 },
    });
    await world.approve(name);
    return await waitFor('a job past its first checkpoint', async () => {
      const job = await jobOf(name);
      return (job?.status?.progress?.step ?? 0) >= 15 ? job : undefined;
    });
  };
  const scale = async (job: TrainingJob, replicas: number): Promise<unknown> =>
    await editor.resource(TrainingJobResource).patch(keyOf(job), { spec: { replicas } });
  const drop = async (goal: string): Promise<void> => {
    await world.client.raw('DELETE', `${API}/namespaces/${world.namespace}/traininggoals/${goal}`);
    await waitFor(`no job of ${goal}`, async () => ((await jobOf(goal)) === undefined ? true : undefined));
  };
  /** USD that the attempts of a job really took, by the process table alone. */
  const billOf = (job: TrainingJob): number => {
    const names = new Set(job.status?.attempts?.map(({ name }) => name));
    return [...watch.attempts.values()]
      .filter(({ name }) => names.has(name))
      .reduce((sum, { start, stop }) => sum + (((stop ?? Date.now()) - start) / 3_600_000) * PRICE * FEE, 0);
  };
  const storeOf = async (job: TrainingJob): Promise<string> => {
    const [cluster = ''] = await readdir(world.workDir);
    return join(world.workDir, cluster, 'jobs', job.metadata.uid);
  };
  it('starts nothing without the approval of exactly this digest by who may give it', async () => {
    await world.createGoal('gate');
    const goal = await world.goalIn('gate', 'AwaitingApproval');
    const plan = (await world.plans()).find(({ metadata }) => metadata.name === goal.status?.planRef?.name);
    if (plan === undefined) throw new Error('the goal has no plan');
    const digest = plan.status?.digest ?? '';
    const decide = async (client: KubeClient, user: string, change: object = {}, status: object = {}) => {
      const approval = { decision: 'Approved', digest, user, at: new Date().toISOString(), via: 'status', ...change };
      return await client.resource(TrainingPlanResource).status.patch(keyOf(plan), { status: { approval, ...status } });
    };
    await refused(decide(approver, 'alice', { digest: STALE }), 'digest');
    await refused(decide(editor, 'erin'), 'trainingplans/status');
    await refused(decide(approver, 'bob'), 'everybody decides in their own name');
    await refused(decide(approver, 'alice', { via: 'policy' }), 'only the operator may record');
    await refused(decide(approver, 'alice', { digest: STALE }, { digest: STALE }), 'may not write the status');
    await refused(
      editor.resource(TrainingPlanResource).status.patch(keyOf(plan), { status: { digest: STALE } }),
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
    await refused(editor.raw('POST', `${API}/namespaces/${world.namespace}/trainingjobs`, { body: forged }));
    // Even an administrator's hand makes no difference: the operator asks for the approval itself.
    await world.client.raw('POST', `${API}/namespaces/${world.namespace}/trainingjobs`, { body: forged });
    await waitFor('the forged job to be looked at', async () =>
      (await jobOf('gate'))?.status?.conditions?.some(
        ({ type, reason }) => type === 'Approved' && reason === 'NotApproved',
      )
        ? true
        : undefined,
    );
    expect(watch.seen).toEqual([]);
    const [job] = await world.jobs();
    if (job === undefined) throw new Error('the forged job is gone');
    await world.client.resource(TrainingJobResource).delete(keyOf(job));
    await waitFor('no job', async () => ((await jobOf('gate')) === undefined ? true : undefined));
    // What a job spent is taken from the price of the next: none, so the plan is what it was.
    await waitFor('the plan as it was', async () =>
      (await world.plans()).some(({ status }) => status?.phase === 'AwaitingApproval' && status.digest === digest)
        ? true
        : undefined,
    );

    await decide(approver, 'alice');
    await waitFor('a trainer', () => (watch.live.length > 0 ? true : undefined));
    const started = await jobOf('gate');
    if (started === undefined) throw new Error('there is no job');
    await refused(editor.resource(TrainingPlanResource).patch(keyOf(plan), { spec: { selection: { gpu: 'other' } } }));
    const dearer = { run: { quote: { ...quote, limit: '99.00' } } };
    await refused(editor.resource(TrainingJobResource).patch(keyOf(started), { spec: dearer }));
  });

  it('starts no further attempt once the plan is gone', async () => {
    const job = await jobOf('gate');
    if (job === undefined) throw new Error('there is no job');
    await scale(job, 0);
    await world.goalIn('gate', 'Paused', 'Succeeded');
    await world.client.resource(TrainingJobResource).patch(keyOf(job), { metadata: { ownerReferences: [] } });
    await world.client.resource(TrainingPlanResource).delete(keyOf(job));
    const before = watch.seen.length;
    await scale(job, 1);
    await waitFor('PlanMissing', async () =>
      (await jobOf('gate'))?.status?.conditions?.some(({ reason }) => reason === 'PlanMissing') ? true : undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(watch.seen.length).toBe(before);
    await world.client.resource(TrainingJobResource).delete(keyOf(job));
    await drop('gate');
  });

  const stops: readonly (readonly [string, (job: TrainingJob) => Promise<unknown>, string[]])[] = [
    ['paused', (job) => scale(job, 0), ['Paused']],
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
    ['gone', (job) => editor.resource(TrainingJobResource).delete(keyOf(job)), []],
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
      const job = await running(name);
      await stop(job);
      await restart();
      await nothingRuns();
      if (phases.length === 0) {
        await waitFor('no job', async () => ((await jobOf(name)) === undefined ? true : undefined));
        return;
      }
      await world.goalIn(name, ...phases);
      const rested = await jobOf(name);
      if (rested === undefined) throw new Error('there is no job');
      expect(await restorable(rested)).toBeGreaterThan(0);
      expect(rested.status?.attempts?.every(({ state }) => state === 'Gone')).toBe(true);
    },
  );

  it('resumes at the step that was saved or later', async () => {
    const paused = await jobOf('paused');
    if (paused === undefined) throw new Error('there is no job');
    const saved = await restorable(paused);
    await scale(paused, 1);
    const resumed = await waitFor('a second attempt', async () => {
      const job = await jobOf('paused');
      return (job?.status?.progress?.step ?? 0) > saved + 5 && job?.status?.attempts?.length === 2 ? job : undefined;
    });
    expect(resumed.status?.attempts?.[1]?.resumedFromStep).toBe(saved);
    await scale(resumed, 0);
    await world.goalIn('paused', 'Paused');
  });

  it('ends the old trainer before the one of a newer plan starts', async () => {
    const old = await running('superseded');
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
    await restart();
    await waitFor('the newer trainer', () =>
      watch.seen.at(-1)?.name.startsWith(`kriptik-${old.metadata.uid.slice(0, 8)}`) ? undefined : true,
    );
    const after = (await world.jobs()).find(({ metadata }) => metadata.name === old.metadata.name);
    expect(after?.status?.phase).toBe('Superseded');
    await drop('superseded');
  });

  it('keeps a provider while something runs there', async () => {
    const job = await running('hosted');
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
    await scale(job, 0);
    await nothingRuns();
    await waitFor('the pause', async () => ((await jobOf('hosted'))?.status?.phase === 'Paused' ? true : undefined));
    await providers.create({
      apiVersion: 'training.kriptik.ai/v1alpha1',
      kind: 'ComputeProvider',
      metadata: { name: 'workstation' },
      spec,
    });
  });

  it('spends no more than the limit with the operator dead until after the deadline, and says what was lost', async () => {
    const job = await running('frozen', '0.011');
    await kill();
    await waitFor('the trainer to freeze itself', () => (watch.live.length === 0 ? true : undefined));
    const folders = await checkpointsIn(await storeOf(job));
    expect(folders.length).toBeGreaterThan(1);
    await spoil(folders.at(-1) ?? '');
    operator = await world.startOperator();
    await world.goalIn('frozen', 'Frozen');
    const frozen = await jobOf('frozen');
    if (frozen === undefined) throw new Error('there is no job');
    expect(billOf(frozen)).toBeGreaterThan(0.004);
    expect(billOf(frozen)).toBeLessThanOrEqual(0.011);
    const older = Number(folders.at(-2)?.slice(-8));
    expect(await restorable(frozen)).toBe(older);
    const message = frozen.status?.conditions?.find(({ type }) => type === 'Frozen')?.message;
    expect(message).toContain(`The checkpoint of step ${older} is saved and verified`);
    expect(message).toMatch(/\d+ steps of work were lost/);

    await world.setBudget('frozen', '0.018');
    await waitFor('the resume', async () =>
      (await jobOf('frozen'))?.status?.attempts?.length === 2 ? true : undefined,
    );
    const resumed = await jobOf('frozen');
    expect(resumed?.status?.attempts?.[1]?.resumedFromStep).toBe(older);
    const again = await waitFor('the second freeze', async () => {
      const job = await jobOf('frozen');
      return job?.status?.phase === 'Frozen' && job.status.attempts?.[1]?.state === 'Gone' ? job : undefined;
    });
    expect(billOf(again)).toBeLessThanOrEqual(0.018);
    expect(await restorable(again)).toBeGreaterThan(older);
  });

  it.each([
    ['asked in vain', false],
    ['left alone', true],
  ])('spends no more than the limit on a trainer that hangs, %s', async (how, alone) => {
    const name = how.replaceAll(' ', '-');
    await running(name, '0.010');
    // Stopped by the system: it hears neither requests nor its own deadline nor SIGTERM.
    for (const pid of await world.trainers()) process.kill(pid, 'SIGSTOP');
    if (alone) await kill();
    await nothingRuns();
    if (alone) await restart();
    await world.goalIn(name, 'Frozen');
    const job = await jobOf(name);
    if (job === undefined) throw new Error('there is no job');
    expect(billOf(job)).toBeGreaterThan(0.004);
    expect(billOf(job)).toBeLessThanOrEqual(0.01);
    expect(await restorable(job)).toBeGreaterThan(0);
  });

  it('spends no more than a limit that is lowered on the way', async () => {
    await restart();
    const job = await running('lowered');
    const limit = (Number((await jobOf('lowered'))?.status?.cost?.spent) + 0.008).toFixed(6);
    await world.setBudget('lowered', limit);
    await world.goalIn('lowered', 'Frozen');
    const frozen = (await jobOf('lowered')) ?? job;
    expect(billOf(frozen)).toBeLessThanOrEqual(Number(limit));
    expect(await restorable(frozen)).toBeGreaterThan(0);
  });

  it('spends no more than the limit while the API server does not answer', async () => {
    await running('cut-off', '0.009');
    const pid = await world.apiServerPid();
    process.kill(pid, 'SIGSTOP');
    try {
      await nothingRuns();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await world.goalIn('cut-off', 'Frozen');
    const frozen = await jobOf('cut-off');
    if (frozen === undefined) throw new Error('there is no job');
    expect(billOf(frozen)).toBeLessThanOrEqual(0.009);
    expect(await restorable(frozen)).toBeGreaterThan(0);
  });

  it('calls a job finished only with a model that can be read back', async () => {
    const finished = async (name: string): Promise<TrainingJob> => {
      const job = await running(name, '1.00', 60);
      await kill();
      await waitFor('the end of the training', () => (watch.live.length === 0 ? true : undefined));
      return job;
    };
    await finished('whole');
    operator = await world.startOperator();
    await world.goalIn('whole', 'Succeeded');
    const whole = await jobOf('whole');
    expect(whole?.status?.artifacts?.length).toBeGreaterThan(0);
    for (const artifact of whole?.status?.artifacts ?? []) await readBack(artifact);

    const job = await finished('broken');
    await spoil(join(await storeOf(job), 'artifacts', 'adapter'));
    operator = await world.startOperator();
    await world.goalIn('broken', 'Failed');
    const broken = await jobOf('broken');
    expect(broken?.status?.artifacts ?? []).toEqual([]);
    expect(broken?.status?.conditions?.find(({ type }) => type === 'Failed')?.reason).toBe('ArtifactUnverified');
  });

  it('writes nothing at rest, in any phase', async () => {
    await world.createGoal('waiting');
    await world.goalIn('waiting', 'AwaitingApproval');
    await world.createGoal('vague', { budget: undefined as never });
    await world.goalIn('vague', 'NeedsClarification');
    const phases = (
      await Promise.all(['waiting', 'vague', 'paused', 'frozen', 'whole', 'broken'].map((name) => world.goal(name)))
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
    expect(watch.most).toBe(1);
    const log = (await auditLog(world.controlPlane.auditLogPath)).filter(accepted);
    const jobs = new Map<string, TrainingJob>();
    for (const { objectRef, verb, responseObject } of log) {
      if (objectRef?.resource === 'trainingjobs' && verb === 'create') {
        const job = responseObject as TrainingJob;
        jobs.set(job.metadata.uid.replaceAll('-', '').slice(0, 8), job);
      }
    }
    const starts = watch.seen;
    expect(starts.length).toBeGreaterThan(10);
    for (const { name, start } of starts) {
      const job = jobs.get(name.split('-')[1] ?? '');
      expect(job, name).toBeDefined();
      if (job === undefined) continue;
      expect(planDigest(job.spec.run)).toBe(job.spec.planRef.digest);
      const approval = log.find(({ objectRef, responseObject }) => {
        if (objectRef?.resource !== 'trainingplans' || objectRef.subresource !== 'status') return false;
        const plan = responseObject as TrainingPlan;
        return (
          plan.metadata.uid === job.spec.planRef.uid &&
          plan.status?.approval?.decision === 'Approved' &&
          plan.status.approval.digest === job.spec.planRef.digest
        );
      });
      expect(Date.parse(approval?.stageTimestamp ?? ''), name).toBeLessThan(start);
    }
  });

  it('never wrote a spec that people own', async () => {
    const log = await auditLog(world.controlPlane.auditLogPath);
    const own = log.filter(
      ({ userAgent, objectRef }) =>
        userAgent?.startsWith('kriptik-operator') && objectRef?.apiGroup === 'training.kriptik.ai',
    );
    expect(own.length).toBeGreaterThan(50);
    expect(own.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
    const main = own.filter(({ objectRef }) => objectRef?.subresource === undefined);
    for (const { verb, objectRef, requestObject } of main) {
      const what = `${verb} ${objectRef?.resource} ${objectRef?.name}`;
      if (verb === 'create')
        expect(['trainingplans', 'trainingjobs', 'trainingreceipts'], what).toContain(objectRef?.resource);
      else {
        expect([verb, objectRef?.resource], what).toEqual(['patch', 'trainingjobs']);
        const { metadata, ...others } = requestObject as { metadata: object };
        expect(others, what).toEqual({});
        expect(Object.keys(metadata).sort(), what).toEqual(['finalizers', 'resourceVersion', 'uid']);
      }
    }
  });

  it('tells the token of a trainer to nobody', async () => {
    const tokens = watch.seen.map(({ token }) => token).filter((token) => token !== '');
    expect(tokens.length).toBeGreaterThan(10);
    const texts = [
      await readFile(world.operatorLog, 'utf8'),
      await readFile(world.controlPlane.auditLogPath ?? '', 'utf8'),
    ];
    expect(texts[0]?.length).toBeGreaterThan(100);
    for (const kind of ['traininggoals', 'trainingplans', 'trainingjobs', 'computeproviders']) {
      texts.push(JSON.stringify(await world.client.raw('GET', `${API}/${kind}`)));
    }
    const events = JSON.stringify(await world.client.raw('GET', '/apis/events.k8s.io/v1/events'));
    expect(events).toContain('AttemptSucceeded');
    texts.push(events);
    const roots = (await readdir(world.workDir, { recursive: true, withFileTypes: true })).filter(
      (file) => file.isFile() && file.name !== 'token',
    );
    for (const file of roots) texts.push(await readFile(join(file.parentPath, file.name), 'utf8'));
    expect(roots.some(({ name }) => name === 'trainer.log')).toBe(true);
    for (const token of tokens) expect(texts.findIndex((text) => text.includes(token))).toBe(-1);
  });

  it('lets a namespace go with everything that runs in it', async () => {
    await running('last');
    await world.client.raw('DELETE', `/api/v1/namespaces/${world.namespace}`);
    await restart();
    await nothingRuns();
    await waitFor('no job', async () => ((await world.jobs()).length === 0 ? true : undefined));
  });
});
