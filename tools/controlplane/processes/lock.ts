import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode, isAlive, ownRecord, type ProcessRecord } from './identity.ts';

/** A held lock; `release` may be called more than once. */
export interface Lock {
  release(): void;
}

/**
 * Takes the lock file if nobody alive holds it, else says who does. A lock whose holder is dead (or whose pid
 * was given to another process since) is taken over.
 */
export function tryLock(path: string, owner: ProcessRecord = ownRecord('owner')): Lock | { heldBy: ProcessRecord } {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, JSON.stringify(owner));
  try {
    for (;;) {
      try {
        // link() fails if the name exists and shows the file whole: no reader ever sees an empty lock.
        linkSync(draft, path);
        return { release: () => releaseOwned(path, owner) };
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
      }
      const holder = readLock(path);
      if (holder && isAlive(holder)) return { heldBy: holder };
      retireStale(path, draft, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Waits for the lock, telling `onWait` once whom it waits for. Throws the signal's reason when aborted. */
export async function waitForLock(
  path: string,
  onWait: (holder: ProcessRecord) => void,
  signal?: AbortSignal,
): Promise<Lock> {
  let told = false;
  for (;;) {
    const attempt = tryLock(path);
    if ('release' in attempt) return attempt;
    if (!told) onWait(attempt.heldBy);
    told = true;
    await delay(250, undefined, { ...(signal && { signal }) });
  }
}

/** The holder written in a lock file; undefined when there is no such file or it is not a lock's text. */
export function readLock(path: string): ProcessRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isRecord(value) ? value : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Removes a dead holder's file. Two processes may see the same dead holder: the rename moves away whatever is
 * there, and when that turns out to be a new holder's lock it is put back.
 */
function retireStale(path: string, draft: string, expected: ProcessRecord | undefined): void {
  const retired = `${draft}.stale`;
  try {
    renameSync(path, retired);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  const moved = readLock(retired);
  if (moved && (moved.pid !== expected?.pid || moved.started !== expected.started)) {
    try {
      linkSync(retired, path);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
  rmSync(retired, { force: true });
}

function releaseOwned(path: string, owner: ProcessRecord): void {
  const holder = readLock(path);
  if (holder?.pid === owner.pid && holder.started === owner.started) rmSync(path, { force: true });
}

function isRecord(value: unknown): value is ProcessRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'started' in value &&
    typeof value.started === 'string'
  );
}
