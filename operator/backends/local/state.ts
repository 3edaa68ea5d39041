import type { Instance } from '../backend.ts';
import type { Process } from './processes.ts';
import type { ClaimRecord, ExitRecord, LaunchRecord, StopRecord } from './records.ts';

/** What was seen of one attempt. */
export type Facts = {
  launch: LaunchRecord;
  released: boolean;
  exit: ExitRecord | undefined;
  claim: ClaimRecord | undefined;
  supervisorRuns: boolean;
  /** Running processes with the attempt's mark; looked up only where the records leave it open. */
  marked: readonly Process[];
  stop: StopRecord | undefined;
  port: number | undefined;
  /** Until when a supervisor that was spawned may still claim the attempt. */
  claimBy: number | undefined;
};

export type Verdict =
  /** Verified that nothing runs and nothing is kept. */
  | { is: 'absent' }
  | { is: 'known'; instance: Instance }
  /** Its supervisor is dead, but processes of it are left: they must be ended. */
  | { is: 'unsupervised'; instance: Instance; processes: readonly Process[] }
  /** Its supervisor died without an exit record and nothing is left: the exit is to be recorded. */
  | { is: 'lost'; instance: Instance; exit: ExitRecord };

/**
 * What the facts say. The order in which they were gathered matters: the supervisor's life before the exit record
 * (it writes the record, then exits), so "dead and no record" is never a race.
 */
export const judge = (facts: Facts, now: number): Verdict => {
  const { launch, claim, exit } = facts;
  if (facts.released) return { is: 'absent' };
  const base = { name: launch.name, id: launch.id, job: launch.job };
  const startedAt = claim?.trainer === undefined ? {} : { startedAt: claim.trainer.startedAt };
  const ended = (record: ExitRecord): Instance => {
    const { message, ...rest } = record;
    return { ...base, ...startedAt, state: 'exited', exit: message === undefined ? rest : { ...rest, message } };
  };
  const live: Instance =
    facts.port === undefined
      ? { ...base, ...startedAt, state: 'starting' }
      : { ...base, ...startedAt, state: 'running', endpoint: `http://127.0.0.1:${facts.port}` };

  if (exit !== undefined) return { is: 'known', instance: ended(exit) };
  if (claim === undefined) {
    // A supervisor that has been spawned but has not claimed: it shows in the process table.
    if (facts.marked.length > 0) return { is: 'known', instance: live };
    // From here on a late claimant finds the stop before it starts anything.
    if (facts.stop !== undefined) {
      return {
        is: 'known',
        instance: ended({ code: null, signal: null, at: facts.stop.at, reason: 'neverStarted' }),
      };
    }
    return facts.claimBy !== undefined && now <= facts.claimBy ? { is: 'known', instance: live } : { is: 'absent' };
  }
  if (facts.supervisorRuns) return { is: 'known', instance: live };
  if (facts.marked.length > 0) return { is: 'unsupervised', instance: live, processes: facts.marked };
  const record: ExitRecord = {
    code: null,
    signal: null,
    at: now,
    reason: 'supervisorLost',
    message: 'the supervisor was killed or the machine restarted; what counts is the last verified checkpoint',
  };
  return { is: 'lost', instance: ended(record), exit: record };
};
