import type { Attempt, TrainingJob } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { checkpoint, makeObserved } from '../../test/support/observed.ts';
import { launchVerdict } from '../budget/ceiling.ts';
import { microUsd, parseMoney } from '../money.ts';
import { findCondition } from '../runtime/conditions.ts';
import { decideJob } from './decide.ts';

const GIB = 2 ** 30;
const DAY = 86_400;
const running = makeJob().attempt('Running', { createdAt: time(0), startedAt: time(5), instance: '4711' });
const held = { deadline: new Date(START + 2_723_272).toISOString() };
const after = (job: TrainingJob, status: TrainingJob['status']): TrainingJob => ({ ...job, ...(status && { status }) });
const types = (actions: readonly { readonly type: string }[]): string[] => actions.map(({ type }) => type);
const reasons = (events: readonly { readonly reason: string }[]): string[] => events.map(({ reason }) => reason);

describe('a freeze overtaken by a raise', () => {
  const freezing = decideJob(makeObserved(running.obj()).at(2_717).trains(held).obj()).status;
  const raised = makeObserved(after(running.obj(), freezing)).at(2_718).goal({ limit: '9.00' });
  const request = { id: freezing.freeze?.requestId ?? '' };

  it('is withdrawn where the trainer has not begun: it trains on, nothing is lost', () => {
    const { status, actions, events } = decideJob(
      raised.trains({ ...held, request: { ...request, state: 'pending' } }).obj(),
    );
    expect(status.phase).toBe('Running');
    expect(status.freeze).toBeUndefined();
    expect(status.attempts?.at(-1)?.stopReason).toBeUndefined();
    expect(types(actions)).toEqual(['CancelCheckpoint']);
    expect(reasons(events)).toContain('StopWithdrawn');
  });

  it('is withdrawn again with the trainer if the operator died in between, and the deadline follows', () => {
    const { status } = decideJob(raised.trains({ ...held, request: { ...request, state: 'pending' } }).obj());
    const again = makeObserved(after(running.obj(), status)).at(2_719).goal({ limit: '9.00' });
    const { actions } = decideJob(again.trains({ ...held, request: { ...request, state: 'pending' } }).obj());
    expect(types(actions)).toEqual(['SetDeadline', 'CancelCheckpoint']);
  });

  it('goes its way where the trainer is saving already; the next attempt starts at once from there', () => {
    const saving = decideJob(raised.trains({ ...held, request: { ...request, state: 'writing' } }).obj());
    expect(saving.status.phase).toBe('Freezing');
    const ended = makeObserved(after(running.obj(), saving.status)).at(2_722).goal({ limit: '9.00' }).saved(41);
    const gone = decideJob(ended.instance('exited').result('stopped', { step: 41 }).obj());
    expect(gone.status.attempts?.at(-1)).toMatchObject({ outcome: 'Frozen', lastStep: 41 });
    const next = decideJob(
      makeObserved(after(running.obj(), gone.status)).at(2_723).goal({ limit: '9.00' }).saved(41).obj(),
    );
    expect(next.status.attempts?.at(-1)).toMatchObject({ number: 2, resumedFromStep: 41 });
    expect([...reasons(saving.events), ...reasons(gone.events), ...reasons(next.events)]).not.toContain('Freezing');
  });

  it('stays where the raise is not enough to get anywhere', () => {
    const hair = raised.goal({ limit: '5.01' }).trains({ ...held, request: { ...request, state: 'pending' } });
    expect(decideJob(hair.obj()).status.phase).toBe('Freezing');
  });
});

describe('a budget lowered below what is spent', () => {
  const told = decideJob(makeObserved(running.obj()).at(1_800).trains(held).obj()).status;
  const cut = decideJob(makeObserved(after(running.obj(), told)).at(1_801).goal({ limit: '1.00' }).trains(held).obj());

  it('freezes at once and says so', () => {
    expect(cut.status.phase).toBe('Freezing');
    expect(findCondition(cut.status.conditions, 'Ready')?.message).toContain('the budget was lowered from $5.00');
    expect(cut.status.cost).toMatchObject({ limit: '1.00', percentUsed: 330 });
  });

  it('leaves the time to save: it is paid from the limit that held until then', () => {
    const deadline = Date.parse(cut.status.freeze?.deadline ?? '') - START;
    expect(deadline).toBeGreaterThanOrEqual(1_801_000 + 3_000);
    expect(deadline).toBeLessThan(1_900_000);
  });

  it('stays lowered when somebody deletes the goal and leaves its job', () => {
    const alone = makeObserved(after(running.obj(), cut.status)).at(1_802).with({ goal: undefined }).trains(held);
    expect(decideJob(alone.obj()).status.cost?.limit).toBe('1.00');
  });

  it('knows no negative numbers', () => {
    expect(JSON.stringify(cut.status)).not.toContain('"-');
  });
});

describe('deadlines', () => {
  const settled = makeJob().attempt('Running', { createdAt: time(0), startedAt: time(5), deadlineLimit: '5.00' });

  it('do not move later because a clock was set back', () => {
    const { actions } = decideJob(makeObserved(settled.obj()).at(60).trains({ deadlineSeconds: 2_600 }).obj());
    expect(types(actions)).toEqual([]);
  });

  it('move later by as much as the bill began later, when the trainer is first seen to run', () => {
    const begun = { createdAt: time(0), deadline: time(2_723), deadlineLimit: '5.00' };
    const look = (second: number, attempt: Partial<Attempt>) =>
      decideJob(
        makeObserved(makeJob().attempt('Creating', attempt).obj())
          .at(second)
          .trains({ deadlineSeconds: 2_663 })
          .instance('running', { billedFrom: START + 30_000 })
          .obj(),
      ).actions;
    expect(types(look(60, begun))).toEqual(['SetDeadline']);
    expect(look(60, { ...begun, startedAt: time(40) })).toEqual([]);
    // The clock was set back while nobody looked: by its time, nothing was spent yet.
    expect(look(0, begun)).toEqual([]);
  });

  it('move later for a raise, and earlier for whatever reason', () => {
    const raise = makeObserved(settled.obj()).at(60).goal({ limit: '9.00' }).trains({ deadlineSeconds: 2_663 });
    expect(types(decideJob(raise.obj()).actions)).toEqual(['SetDeadline']);
    const late = makeObserved(settled.obj()).at(60).trains({ deadlineSeconds: 2_800 });
    expect(types(decideJob(late.obj()).actions)).toEqual(['SetDeadline']);
  });

  it('are taken by what the trainer says is left, whatever its wall clock shows', () => {
    const { actions, status } = decideJob(
      makeObserved(running.obj())
        .at(60)
        .trains({ deadline: time(-9_999), deadlineSeconds: 2_663 })
        .obj(),
    );
    expect(types(actions)).toEqual([]);
    expect(status.attempts?.at(-1)?.deadlineLimit).toBe('5.00');
  });
});

describe('an attempt that ended by a clock ahead of ours', () => {
  it('is paid for in full, and one that begins after it only from its own beginning', () => {
    const ahead = makeJob()
      .attempt('Gone', { createdAt: time(0), startedAt: time(5), goneAt: time(660), outcome: 'Frozen' })
      .attempt('Running', { createdAt: time(60), startedAt: time(65) });
    const { cost } = decideJob(makeObserved(ahead.obj()).at(60).trains(held).obj()).status;
    // Eleven minutes at $6.60 an hour.
    expect(cost?.spent).toBe('1.21');
  });
});

describe('the reserve', () => {
  it('learns from saves and ends of this provider', () => {
    const timings = [{ provider: 'here', checkpointSeconds: ['40', '3'], teardownSeconds: ['30'] }];
    const slow = decideJob(makeObserved(running.status({ timings }).obj()).at(60).trains(held).obj());
    const quick = decideJob(makeObserved(running.obj()).at(60).trains(held).obj());
    // 1.5 saves, two steps of a second, the end, two seconds of detection, at $6.60 an hour.
    expect(quick.status.cost?.reserve).toBe('0.020167');
    expect(slow.status.cost?.reserve).toBe('0.172334');
  });

  it('writes a save down once', () => {
    const info = { ...checkpoint(40), reason: 'periodic', seconds: 2.5 } as const;
    const trained = makeObserved(running.obj())
      .at(60)
      .trains({ ...held, lastCheckpoint: info });
    const { status } = decideJob(trained.obj());
    expect(status.timings).toMatchObject([{ provider: 'here', checkpointSeconds: ['2.5'] }]);
    const again = makeObserved(after(running.obj(), status))
      .at(90)
      .trains({ ...held, lastCheckpoint: info });
    expect(decideJob(again.obj()).status.timings).toEqual(status.timings);
  });
});

describe('keeping the work of a frozen job', () => {
  const size = { ...checkpoint(40), sizeBytes: 10 * GIB };
  const store = { latest: size, checkpoints: [size], artifacts: [], problems: [] };
  const frozen = makeJob()
    .attempt('Gone', { outcome: 'Frozen', stopReason: 'Budget', createdAt: time(0), goneAt: time(2_700) })
    .status({
      freeze: { limit: '5.00', requestedAt: time(90), reason: 'Budget', requestId: 'r', deadline: time(100) },
    });
  const kept = { store, storagePrice: microUsd(30_000) };
  const first = decideJob(makeObserved(frozen.obj()).at(2_701).with(kept).obj());
  const at = (seconds: number, limit = '5.00') =>
    decideJob(makeObserved(after(frozen.obj(), first.status)).at(seconds).goal({ limit }).with(kept).obj());

  it('is metered from then on, and says until when it is paid', () => {
    // $0.05 are left: a tenth of that is fee, and 10 GiB cost $0.30 in thirty days.
    expect(first.status.storage).toMatchObject({ bytes: 10 * GIB, accrued: '0.00', since: time(2_701) });
    expect(first.status.storage?.until).toMatch(/^2026-11-26T23:50/);
    expect(findCondition(first.status.conditions, 'StoragePaid')).toMatchObject({ status: 'True', reason: 'EndsSoon' });
    expect(reasons(first.events)).toContain('StorageEndsSoon');
  });

  it('writes nothing while only time goes on', () => {
    expect(at(3_000).status).toEqual(first.status);
    expect(at(3_000).requeueAfterMs).toBe(86_400_000);
  });

  it('is never billed beyond the limit, never given up, and tells it once', () => {
    const end = at(20 * DAY);
    expect(findCondition(end.status.conditions, 'StoragePaid')).toMatchObject({
      status: 'False',
      reason: 'HoldUsedUp',
    });
    expect(reasons(end.events)).toEqual(['StorageUnpaid']);
    expect(parseMoney(end.status.cost?.spent ?? '0')).toBeLessThanOrEqual(parseMoney('5.00'));
    const later = makeObserved(after(frozen.obj(), end.status))
      .at(90 * DAY)
      .with(kept);
    expect(decideJob(later.obj()).status.cost?.spent).toBe(end.status.cost?.spent);
    expect(decideJob(later.obj()).events).toEqual([]);
  });

  it('is billed again from a raise on', () => {
    const unpaid = at(20 * DAY).status;
    const raised = makeObserved(after(frozen.obj(), unpaid))
      .at(30 * DAY)
      .goal({ limit: '9.00' })
      .with(kept);
    const { status } = decideJob(raised.obj());
    expect(status.phase).toBe('Provisioning');
    expect(status.storage?.accrued).toBe(
      unpaid.storage?.accrued === '0.00' ? status.storage?.accrued : unpaid.storage?.accrued,
    );
    expect(status.storage?.since).toBe(time(30 * DAY));
  });

  it('keeps money back for it while it trains', () => {
    const priced = makeObserved(running.obj()).at(60).trains(held).with(kept);
    const { cost } = decideJob(priced.obj()).status;
    expect(parseMoney(cost?.hold ?? '0')).toBe(parseMoney('0.25'));
  });
});

describe('a job that is ended for good', () => {
  const ending = (job: TrainingJob): TrainingJob => ({ ...job, spec: { ...job.spec, terminate: true } });

  it('saves first when it runs', () => {
    const { status, actions } = decideJob(makeObserved(ending(running.obj())).at(60).trains(held).obj());
    expect(status.freeze?.reason).toBe('Terminated');
    expect(types(actions)).toEqual(['RequestCheckpoint']);
  });

  it('keeps what was saved and begins nothing again, whatever the budget', () => {
    const frozen = makeJob().attempt('Gone', { outcome: 'Frozen', stopReason: 'Budget' });
    const { status } = decideJob(makeObserved(ending(frozen.obj())).at(9_000).goal({ limit: '99.00' }).saved(40).obj());
    expect(status.phase).toBe('Terminated');
    expect(findCondition(status.conditions, 'Terminated')).toMatchObject({ status: 'True' });
    expect(findCondition(status.conditions, 'Terminated')?.message).toContain('step 40 is saved');
  });
});

describe('a namespace whose month is full', () => {
  const other = { uid: 'b', name: 'other', createdAt: '', spent: microUsd(0), state: 'live' as const };
  const own = { uid: 'a', name: 'faq', createdAt: '', spent: microUsd(0), state: 'announced' as const };
  const view = (ceiling: string) => ({
    ...launchVerdict(parseMoney(ceiling), 'a', [
      { ...other, reserved: parseMoney('4.00') },
      { ...own, reserved: parseMoney('5.00') },
    ]),
    ceiling: parseMoney(ceiling),
    policies: ['all'],
  });

  it('lets a job wait, and says who holds what and what to do', () => {
    const { status, events } = decideJob(
      makeObserved()
        .with({ month: view('8.00') })
        .obj(),
    );
    expect(status.attempts ?? []).toEqual([]);
    const condition = findCondition(status.conditions, 'NamespaceCeiling');
    expect(condition?.message).toContain('other ($4.00)');
    expect(condition?.message).toContain('ceilings.perNamespacePerMonth');
    expect(reasons(events)).toEqual(['NamespaceCeiling']);
  });

  it('lets a raise of a running job wait: its deadlines stay', () => {
    const settled = makeJob().attempt('Running', { createdAt: time(0), startedAt: time(5), deadlineLimit: '5.00' });
    const observed = makeObserved(settled.obj()).at(60).goal({ limit: '9.00' }).trains({ deadlineSeconds: 2_663 });
    const { status, actions } = decideJob(observed.with({ month: view('8.00') }).obj());
    expect(types(actions)).toEqual([]);
    expect(findCondition(status.conditions, 'NamespaceCeiling')).toMatchObject({
      status: 'True',
      reason: 'RaiseWaits',
    });
  });

  it('lets it begin when there is room', () => {
    expect(
      decideJob(
        makeObserved()
          .with({ month: view('9.00') })
          .obj(),
      ).status.phase,
    ).toBe('Provisioning');
  });
});

describe('a forecast', () => {
  const tight = makeObserved(running.obj())
    .at(60)
    .goal({ limit: '0.40' })
    .trains({ ...held, totalSteps: 300, step: 40 });

  it('that does not fit is told once, with what can be done', () => {
    const first = decideJob(tight.obj());
    expect(reasons(first.events)).toContain('BudgetTooSmall');
    expect(findCondition(first.status.conditions, 'ForecastFits')?.message).toContain('raise the budget by $');
    const again = makeObserved(after(running.obj(), first.status)).at(63).goal({ limit: '0.40' });
    expect(reasons(decideJob(again.trains({ ...held, step: 43 }).obj()).events)).not.toContain('BudgetTooSmall');
  });

  it('that did not fit is over when the job succeeded all the same', () => {
    const job = after(running.obj(), decideJob(tight.obj()).status);
    const artifact = { name: 'adapter', uri: 'file:///a', manifestSha256: 'ab', sizeBytes: 1 };
    const over = makeObserved(job).at(100).goal({ limit: '0.40' }).instance('exited').result('succeeded');
    const { status } = decideJob(over.with({ store: { ...over.obj().store, artifacts: [artifact] } }).obj());
    expect(status.phase).toBe('Succeeded');
    expect(findCondition(status.conditions, 'ForecastFits')).toMatchObject({ status: 'True', reason: 'Fits' });
  });

  it('comes as a band, of money and of time', () => {
    const { cost, progress } = decideJob(makeObserved(running.obj()).at(60).trains(held).obj()).status;
    expect(parseMoney(cost?.forecastLow ?? '9')).toBeLessThan(parseMoney(cost?.forecast ?? '0'));
    expect(parseMoney(cost?.forecast ?? '9')).toBeLessThan(parseMoney(cost?.forecastHigh ?? '0'));
    expect(progress).toMatchObject({ etaSeconds: 260, etaLowSeconds: 208, etaHighSeconds: 325 });
  });
});
