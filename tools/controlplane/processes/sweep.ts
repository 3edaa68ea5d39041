import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { releaseHost } from './host.ts';
import { hasCode, isAlive, type ProcessRecord, signalRecorded, whenGone } from './identity.ts';
import { readLock } from './lock.ts';
import { OWNER_FILE, PROCESSES_FILE } from './protocol.ts';

/** In a run directory: marks logs that were kept because something failed. */
export const KEPT_FILE = 'kept';

const KEEP_LOGS_MS = 24 * 60 * 60 * 1000;
// Between making a run directory and writing its owner there is a moment without an owner.
const NEWBORN_MS = 60_000;

/**
 * Clears what dead owners left under `runRoot`: ends programs that still run (only the very processes that were
 * recorded) and removes their directories. Kept logs go after a day. Returns the directories it cleared.
 */
export async function sweepRuns(runRoot: string, now: number): Promise<string[]> {
  const cleared: string[] = [];
  for (const name of listDirectories(runRoot)) {
    const directory = join(runRoot, name);
    if (!isLeftOver(directory, now)) continue;
    await endRecorded(directory);
    rmSync(directory, { recursive: true, force: true });
    cleared.push(directory);
  }
  return cleared;
}

/**
 * Ends the programs recorded in a run directory by SIGKILL, waits until they are gone, and gives the host back what
 * was recorded as taken from it.
 */
export async function endRecorded(directory: string, timeoutMs = 5_000): Promise<void> {
  const records = readRecords(join(directory, PROCESSES_FILE)).filter(isAlive);
  for (const record of records) signalRecorded(record, 'SIGKILL');
  const left = (await whenGone(records, timeoutMs)).map(({ name, pid }) => `${name} (${pid})`);
  if (left.length > 0) {
    throw new Error(`These programs did not end on SIGKILL: ${left.join(', ')}. End them, then run again.`);
  }
  await releaseHost(directory);
}

function isLeftOver(directory: string, now: number): boolean {
  const age = now - modified(directory);
  if (existsSync(join(directory, KEPT_FILE))) return age > KEEP_LOGS_MS;
  const owner = readLock(join(directory, OWNER_FILE));
  return owner === undefined ? age > NEWBORN_MS : !isAlive(owner);
}

function readRecords(path: string): ProcessRecord[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord[];
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return [];
    throw error;
  }
}

function listDirectories(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function modified(directory: string): number {
  return statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
