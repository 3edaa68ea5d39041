import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process, told apart from a later one that was given the same pid by when it started. */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  /** Opaque start mark from `startMark`. */
  readonly started: string;
}

/**
 * An opaque mark of when the live process `pid` started, or undefined when there is none (a zombie counts as none).
 * Linux: field 22 of /proc/PID/stat (clock ticks since boot) with the boot's id; elsewhere `ps -o lstart`.
 */
function startMark(pid: number): string | undefined {
  return process.platform === 'linux' ? linuxStartMark(pid) : psStartMark(pid);
}

/** Whether the very process of the record still runs. */
export function isAlive(record: Pick<ProcessRecord, 'pid' | 'started'>): boolean {
  return startMark(record.pid) === record.started;
}

/** Sends the signal to the recorded process if it still runs; a pid that was reused is left alone. */
export function signalRecorded(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (!isAlive(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** Waits until none of the recorded processes runs; resolves with those that still do when the time is over. */
export async function whenGone(
  records: readonly ProcessRecord[],
  timeoutMs = Number.POSITIVE_INFINITY,
): Promise<readonly ProcessRecord[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = records.filter(isAlive);
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(20);
  }
}

/** The record of this very process. */
export function ownRecord(name: string): ProcessRecord {
  return recordOf(name, process.pid) ?? { name, pid: process.pid, started: 'unknown' };
}

/** The record of a live process, or undefined when it is gone already. */
export function recordOf(name: string, pid: number): ProcessRecord | undefined {
  const started = startMark(pid);
  return started === undefined ? undefined : { name, pid, started };
}

/** Reads the state and start time out of /proc/PID/stat, whose second field (the command) may hold any character. */
export function parseProcStat(stat: string): { state: string; startTicks: string } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}

function linuxStartMark(pid: number): string | undefined {
  try {
    const { state, startTicks } = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    if (state === 'Z' || state === 'X') return undefined;
    return `${bootId()}:${startTicks}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined;
    throw error;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function psStartMark(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whether an unknown error is a Node system error with that code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
