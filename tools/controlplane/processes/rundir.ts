import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lock, tryLock } from './lock.ts';
import { OWNER_FILE } from './protocol.ts';
import { endRecorded, KEPT_FILE, sweepRuns } from './sweep.ts';

/** Where one control plane keeps its keys, data and logs. Readable by its owner only. */
export interface RunDirectory {
  readonly path: string;
  readonly persistent: boolean;
  /** Removes everything but the logs and gives up ownership; the logs stay for a day. */
  keepLogs(): void;
  /** Gives up ownership. Of a directory that is not persistent nothing is left. */
  release(): void;
}

/** A data directory is in use by another live process. */
export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse';
}

/** The parent of all run directories of this user that are not persistent. */
export function defaultRunRoot(): string {
  return join(tmpdir(), `kriptik-controlplane-${process.getuid?.() ?? 'user'}`);
}

/** A fresh directory under `runRoot`, after sweeping what dead owners left there. */
export async function createRunDirectory(runRoot: string, now: number): Promise<RunDirectory> {
  makePrivate(runRoot);
  await sweepRuns(runRoot, now);
  const path = join(runRoot, `run-${randomBytes(4).toString('hex')}`);
  makePrivate(path);
  return own(path, false);
}

/**
 * A directory whose keys and data live on from one start to the next. Programs that a killed owner left are ended.
 * @throws DirectoryInUse when a live process owns it.
 */
export async function openDataDirectory(path: string): Promise<RunDirectory> {
  makePrivate(path);
  const directory = own(path, true);
  try {
    await endRecorded(path);
  } catch (error) {
    directory.release();
    throw error;
  }
  return directory;
}

function own(path: string, persistent: boolean): RunDirectory {
  const lock = tryLock(join(path, OWNER_FILE));
  if ('heldBy' in lock) {
    throw new DirectoryInUse(
      `A control plane already runs in ${path}, started by process ${lock.heldBy.pid}. Use it with KUBECONFIG=${join(path, 'kubeconfig')}, or stop that process first.`,
    );
  }
  // Logs are those of this start: a data directory that lives for months must not fill with old ones.
  rmSync(join(path, 'logs'), { recursive: true, force: true });
  mkdirSync(join(path, 'logs'), { mode: 0o700 });
  return { path, persistent, ...endings(path, persistent, lock) };
}

function endings(path: string, persistent: boolean, lock: Lock): Pick<RunDirectory, 'keepLogs' | 'release'> {
  return {
    keepLogs() {
      if (!persistent) {
        writeFileSync(join(path, KEPT_FILE), '');
        for (const name of readdirSync(path)) {
          if (name !== 'logs' && name !== KEPT_FILE) rmSync(join(path, name), { recursive: true, force: true });
        }
      }
      lock.release();
    },
    release() {
      lock.release();
      if (!persistent) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Makes the folder for this user alone, and refuses one that another user put in its place. */
function makePrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  const uid = process.getuid?.();
  if (!stat.isDirectory() || (uid !== undefined && stat.uid !== uid)) {
    throw new Error(`${path} is not a folder of this user; it would hold private keys. Remove it, or name another.`);
  }
  chmodSync(path, 0o700);
}
