import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, ownRecord, type ProcessRecord, recordOf } from './identity.ts';
import { OWNER_FILE, PROCESSES_FILE } from './protocol.ts';
import { KEPT_FILE, sweepRuns } from './sweep.ts';

const DEAD: ProcessRecord = { name: 'owner', pid: process.pid, started: 'another time' };
const DAY_MS = 86_400_000;
let root: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kriptik-sweep-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

function sleeper(): ProcessRecord {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  children.push(child);
  return recordOf('sleep', child.pid ?? 0) ?? expect.fail('sleep did not start');
}

function run(name: string, owner: ProcessRecord | undefined, processes: readonly ProcessRecord[] = []): string {
  const directory = join(root, name);
  mkdirSync(directory);
  if (owner) writeFileSync(join(directory, OWNER_FILE), JSON.stringify(owner));
  writeFileSync(join(directory, PROCESSES_FILE), JSON.stringify(processes));
  return directory;
}

describe('a sweep', () => {
  it('ends what a dead owner left running and removes its directory', async () => {
    const left = sleeper();
    const directory = run('dead', DEAD, [left]);
    expect(await sweepRuns(root, Date.now())).toEqual([directory]);
    expect(isAlive(left)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });

  it('leaves a process alone that was given a recorded pid later', async () => {
    const other = sleeper();
    run('dead', DEAD, [{ ...other, started: 'another time' }]);
    await sweepRuns(root, Date.now());
    expect(isAlive(other)).toBe(true);
  });

  it('leaves the runs of live owners alone', async () => {
    const used = sleeper();
    run('live', ownRecord('owner'), [used]);
    expect(await sweepRuns(root, Date.now())).toEqual([]);
    expect(isAlive(used)).toBe(true);
  });

  it('takes a directory without an owner for one that is being made, for a minute', async () => {
    const directory = run('newborn', undefined);
    expect(await sweepRuns(root, Date.now())).toEqual([]);
    expect(await sweepRuns(root, Date.now() + 61_000)).toEqual([directory]);
  });

  it('keeps the logs of a failure for a day', async () => {
    const directory = run('failed', DEAD);
    writeFileSync(join(directory, KEPT_FILE), '');
    expect(await sweepRuns(root, Date.now())).toEqual([]);
    const longAgo = new Date(Date.now() - DAY_MS - 1_000);
    utimesSync(directory, longAgo, longAgo);
    expect(await sweepRuns(root, Date.now())).toEqual([directory]);
  });

  it('finds nothing to do where nothing was ever started', async () => {
    expect(await sweepRuns(join(root, 'nowhere'), Date.now())).toEqual([]);
  });
});
