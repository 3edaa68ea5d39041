import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditTail } from '../../support/audit.ts';
import type { ProcessWatch } from '../../support/process-watch.ts';
import { checkpointsIn, restorable, spoil } from '../../support/saved.ts';
import { waitFor } from '../../support/wait.ts';
import type { World } from '../../support/world.ts';
import { startCommonWorld } from '../common-world.ts';
import { Watched } from './watched.ts';
import { expectApproved, expectSpecsOwned, expectTokensKept } from './witness.ts';

/** Seen from outside, as all that may never break: what attempts took by the process table, what is left by the disk. */
describe('no limit is ever passed', () => {
  let here: Watched;
  let world: World;
  let watch: ProcessWatch;
  let audit: AuditTail;

  beforeAll(async () => {
    here = await Watched.start(startCommonWorld);
    ({ world, watch } = here);
    audit = await AuditTail.from(world.controlPlane.auditLogPath);
  });
  afterAll(async () => await here?.stop());

  it('spends no more than the limit with the operator dead until after the deadline, and says what was lost', async () => {
    const job = await here.running('frozen');
    const limit = await here.leave('frozen', 0.011);
    await here.kill();
    await waitFor('the trainer to freeze itself', () => (watch.live.length === 0 ? true : undefined));
    const folders = await checkpointsIn(await here.storeOf(job));
    expect(folders.length).toBeGreaterThan(1);
    await spoil(folders.at(-1) ?? '');
    await here.restart();
    await world.goalIn('frozen', 'Frozen');
    const frozen = await here.jobOf('frozen');
    if (frozen === undefined) throw new Error('there is no job');
    expect(here.billOf(frozen)).toBeGreaterThan(0.004);
    expect(here.billOf(frozen)).toBeLessThanOrEqual(limit);
    const older = Number(folders.at(-2)?.slice(-8));
    expect(await restorable(frozen)).toBe(older);
    const message = frozen.status?.conditions?.find(({ type }) => type === 'Frozen')?.message;
    expect(message).toContain(`The checkpoint of step ${older} is saved and verified`);
    expect(message).toMatch(/\d+ steps of work were lost/);

    await world.setBudget('frozen', '1.00');
    const resumed = await waitFor('what the second attempt saves', async () => {
      const job = await here.jobOf('frozen');
      const second = job?.status?.attempts?.[1]?.name;
      return job?.status?.checkpoints?.some(({ attempt, verifiedAt }) => attempt === second && verifiedAt !== undefined)
        ? job
        : undefined;
    });
    expect(resumed.status?.attempts?.[1]?.resumedFromStep).toBe(older);
    const raised = await here.leave('frozen', 0.008);
    const again = await waitFor('the second freeze', async () => {
      const job = await here.jobOf('frozen');
      return job?.status?.phase === 'Frozen' && job.status.attempts?.[1]?.state === 'Gone' ? job : undefined;
    });
    expect(here.billOf(again)).toBeLessThanOrEqual(raised);
    expect(await restorable(again)).toBeGreaterThan(older);
  });

  it.each([
    ['asked in vain', false],
    ['left alone', true],
  ])('spends no more than the limit on a trainer that hangs, %s', async (how, alone) => {
    const name = how.replaceAll(' ', '-');
    await here.running(name);
    const limit = await here.leave(name, 0.009);
    // Stopped by the system: it hears neither requests nor its own deadline nor SIGTERM.
    for (const pid of await world.trainers()) process.kill(pid, 'SIGSTOP');
    if (alone) await here.kill();
    await here.nothingRuns();
    if (alone) await here.restart();
    await world.goalIn(name, 'Frozen');
    const job = await here.jobOf(name);
    if (job === undefined) throw new Error('there is no job');
    expect(here.billOf(job)).toBeGreaterThan(0.004);
    expect(here.billOf(job)).toBeLessThanOrEqual(limit);
    expect(await restorable(job)).toBeGreaterThan(0);
  });

  it('spends no more than a limit that is lowered on the way', async () => {
    await here.restart();
    const job = await here.running('lowered');
    const limit = await here.leave('lowered', 0.008);
    await world.goalIn('lowered', 'Frozen');
    const frozen = (await here.jobOf('lowered')) ?? job;
    expect(here.billOf(frozen)).toBeLessThanOrEqual(limit);
    expect(await restorable(frozen)).toBeGreaterThan(0);
  });

  it('spends no more than the limit while the API server does not answer', async () => {
    await here.running('cut-off');
    const limit = await here.leave('cut-off', 0.008);
    const pid = await world.apiServerPid();
    process.kill(pid, 'SIGSTOP');
    try {
      await here.nothingRuns();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await world.goalIn('cut-off', 'Frozen');
    const frozen = await here.jobOf('cut-off');
    if (frozen === undefined) throw new Error('there is no job');
    expect(here.billOf(frozen)).toBeLessThanOrEqual(limit);
    expect(await restorable(frozen)).toBeGreaterThan(0);
  });

  it('never started a trainer whose digest was not approved before, nor two at a time', async () => {
    expectApproved(watch, await audit.writes(world.namespace), 5);
  });

  it('never wrote a spec that people own', async () => {
    expectSpecsOwned(await audit.writes(world.namespace));
  });

  it('tells the token of a trainer to nobody', async () => {
    const audited = (await audit.lines(world.namespace)).join('\n');
    await expectTokensKept(here, { audited, event: 'AttemptFrozen', least: 5 });
  });
});
