import { access, rmdir } from 'node:fs/promises';
import { codeOf, createRecord, isDiskFull, readRecord, writeRecord } from './files.ts';
import { type Layout, MARK_ID } from './layout.ts';
import type { Process, ProcessTable } from './processes.ts';
import * as records from './records.ts';
import { type Facts, judge, type Verdict } from './state.ts';

/** What observing needs from outside. */
export type Observer = { processes: ProcessTable; now: () => number; unsupervisedGrace: number };

const NOTHING_SEEN: Omit<Facts, 'launch' | 'released'> = {
  exit: undefined,
  claim: undefined,
  supervisorRuns: false,
  marked: [],
  stop: undefined,
  port: undefined,
  claimBy: undefined,
};

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
};

/** Running processes of an attempt: those with its mark, and those of its control group that shed it. */
const leftOf = async (id: string, cgroup: string | undefined, processes: ProcessTable): Promise<Process[]> => {
  const marked = await processes.marked(MARK_ID, id);
  const known = new Set(marked.map((one) => one.pid));
  const grouped = cgroup === undefined ? [] : await processes.grouped(cgroup);
  return [...marked, ...grouped.filter((one) => !known.has(one.pid))];
};

/** Reads what is recorded and running of an attempt; undefined if it has no directory. */
export const gather = async (layout: Layout, observer: Observer): Promise<Facts | undefined> => {
  const launch = await readRecord(layout.launch, records.launchRecord);
  if (launch === undefined) return undefined;
  if (await exists(layout.released)) return { ...NOTHING_SEEN, launch, released: true };
  const stop = await readRecord(layout.stop, records.stopRecord);
  const claim = await readRecord(layout.claim, records.claimRecord);
  const supervisorRuns = claim !== undefined && (await observer.processes.identity(claim.pid)) === claim.identity;
  // After the supervisor's life: it records the exit, then ends.
  const exit = await readRecord(layout.exit, records.exitRecord);
  const open = exit === undefined && !supervisorRuns;
  return {
    launch,
    released: false,
    stop,
    claim,
    supervisorRuns,
    exit,
    marked: open ? await leftOf(launch.id, claim?.cgroup, observer.processes) : [],
    port: (await readRecord(layout.port, records.portRecord))?.port,
    claimBy: (await readRecord(layout.claimBy, records.claimByRecord))?.claimBy,
  };
};

/** Asks for the end of an attempt; an earlier, sooner end stands. Tells whether it was the first to ask. */
export const requestStop = async (layout: Layout, now: number, killAt: number): Promise<boolean> => {
  if (await createRecord(layout.stop, { at: now, killAt })) return true;
  const earlier = await readRecord(layout.stop, records.stopRecord);
  if (earlier !== undefined && killAt < earlier.killAt) await writeRecord(layout.stop, { ...earlier, killAt });
  return false;
};

/**
 * Ends what a dead supervisor left behind. The trainer itself was told by the kernel as its supervisor died; the
 * rest is told here, once, and what outlives the grace (or the hard deadline) is killed.
 */
const endUnsupervised = async (layout: Layout, left: readonly Process[], observer: Observer): Promise<void> => {
  const now = observer.now();
  const first = await requestStop(layout, now, now + observer.unsupervisedGrace);
  const stop = await readRecord(layout.stop, records.stopRecord);
  const deadline = (await readRecord(layout.deadline, records.deadlineRecord))?.at ?? Number.POSITIVE_INFINITY;
  const kill = now >= Math.min(stop?.killAt ?? now, deadline);
  if (!kill && !first) return;
  for (const process of left) await observer.processes.signal(process, kill ? 'SIGKILL' : 'SIGTERM');
};

/** Kills a supervisor that has not done for `graceMs` what it was asked; the attempt is then ended without it. */
export const replaceHangingSupervisor = async (layout: Layout, observer: Observer, graceMs: number): Promise<void> => {
  const stop = await readRecord(layout.stop, records.stopRecord);
  const claim = await readRecord(layout.claim, records.claimRecord);
  if (stop === undefined || claim === undefined || observer.now() <= stop.killAt + graceMs) return;
  await observer.processes.signal(claim, 'SIGKILL');
};

/** Without room for it the loss is seen anew each time, which says the same: nothing runs. */
const recordLoss = async (layout: Layout, exit: records.ExitRecord): Promise<boolean> => {
  try {
    return await createRecord(layout.exit, exit);
  } catch (error) {
    if (isDiskFull(error)) return true;
    throw error;
  }
};

/** Looks, and does what follows from what was seen: an attempt without a supervisor is ended and recorded. */
export const observe = async (layout: Layout, observer: Observer): Promise<Verdict> => {
  const facts = await gather(layout, observer);
  if (facts === undefined) return { is: 'absent' };
  const verdict = judge(facts, observer.now());
  if (verdict.is === 'unsupervised') await endUnsupervised(layout, verdict.processes, observer);
  if (verdict.is === 'lost') {
    // The group is empty; one that stays costs nothing.
    if (facts.claim?.cgroup !== undefined) await rmdir(facts.claim.cgroup).catch(() => undefined);
    if (!(await recordLoss(layout, verdict.exit))) return observe(layout, observer);
  }
  return verdict;
};
