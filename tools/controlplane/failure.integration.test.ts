import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentProgress } from './binaries/progress.ts';
import { startControlPlane } from './controlplane.ts';
import { isAlive, type ProcessRecord } from './processes/identity.ts';
import { PROCESSES_FILE } from './processes/protocol.ts';
import { sweepRuns } from './processes/sweep.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kriptik-failure-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Parent {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly programs: readonly ProcessRecord[];
}

/** The command-line tool as a parent that can be killed, with a control plane running. */
async function startParent(): Promise<Parent> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'cli.ts'), 'up'], {
    env: { ...process.env, TMPDIR: root, KRIPTIK_CONTROLPLANE: 'embedded', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const path = line.match(/^KUBECONFIG=(.+)$/)?.[1];
    if (path === undefined) continue;
    const directory = dirname(path);
    const text = readFileSync(join(directory, PROCESSES_FILE), 'utf8');
    return { child, directory, programs: JSON.parse(text) as ProcessRecord[] };
  }
  throw new Error('the parent ended before its control plane was up');
}

/** The supervisor of a parent: its only child process. */
function supervisorOf({ child }: Parent): number {
  return Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')[0]);
}

const gone = (parent: Parent) => () => parent.programs.every((program) => !isAlive(program));

describe('a parent that is killed', () => {
  it('leaves no program and no directory, though by SIGKILL', async () => {
    const parent = await startParent();
    expect(parent.programs.map(({ name }) => name)).toEqual(['etcd', 'kube-apiserver', 'kube-controller-manager']);
    expect(parent.programs.every(isAlive)).toBe(true);
    parent.child.kill('SIGKILL');
    await vi.waitUntil(gone(parent), { timeout: 25_000 });
    await vi.waitUntil(() => !existsSync(parent.directory), { timeout: 25_000 });
  });

  it('together with its supervisor leaves what the next start clears away', async () => {
    const parent = await startParent();
    const supervisor = supervisorOf(parent);
    // At the same moment: neither sees that the other is gone.
    parent.child.kill('SIGSTOP');
    process.kill(supervisor, 'SIGKILL');
    parent.child.kill('SIGKILL');
    await once(parent.child, 'exit');
    expect(await sweepRuns(dirname(parent.directory), Date.now())).toEqual([parent.directory]);
    expect(gone(parent)()).toBe(true);
    expect(existsSync(parent.directory)).toBe(false);
  });

  it('by SIGTERM ends in order and with success', async () => {
    const parent = await startParent();
    parent.child.kill('SIGTERM');
    expect(await once(parent.child, 'exit')).toEqual([0, null]);
    expect(gone(parent)()).toBe(true);
    expect(existsSync(parent.directory)).toBe(false);
  });
});

it('fails at once with the end of the log when a program ends, and keeps the logs', async () => {
  const assets = join(root, 'assets');
  mkdirSync(assets);
  const script = { etcd: 'exec sleep 60', 'kube-apiserver': 'echo "unknown flag: --moon" >&2; exit 1' };
  for (const [name, body] of Object.entries(script)) {
    writeFileSync(join(assets, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(assets, name), 0o755);
  }
  const runRoot = join(root, 'runs');
  const began = performance.now();
  const starting = startControlPlane({
    source: 'embedded',
    controllerManager: false,
    env: { ...process.env, KUBEBUILDER_ASSETS: assets },
    progress: silentProgress,
    runRoot,
  });
  await expect(starting).rejects.toThrow(
    /kube-apiserver ended \(exit code 1\)[\s\S]*unknown flag: --moon[\s\S]*All logs: /,
  );
  // It does not wait for an API server to become ready, which takes a minute.
  expect(performance.now() - began).toBeLessThan(30_000);
  const [run = ''] = readdirSync(runRoot);
  expect(readdirSync(join(runRoot, run)).sort()).toEqual(['kept', 'logs']);
});

it('notices that a program of a running control plane ended, and still cleans up', async () => {
  const runRoot = join(root, 'runs');
  const options = { source: 'embedded', controllerManager: false, progress: silentProgress, runRoot } as const;
  const controlPlane = await startControlPlane(options);
  const text = readFileSync(join(controlPlane.descriptor.directory, PROCESSES_FILE), 'utf8');
  const programs = JSON.parse(text) as ProcessRecord[];
  process.kill(programs.find(({ name }) => name === 'etcd')?.pid ?? 0, 'SIGKILL');
  await expect(controlPlane.whenFailed()).rejects.toThrow(/etcd ended \(signal SIGKILL\)/);
  await controlPlane.stop();
  expect(programs.filter(isAlive)).toEqual([]);
  expect(readdirSync(runRoot)).toEqual([]);
});
