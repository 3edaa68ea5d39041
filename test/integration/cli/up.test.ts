import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ran, runCli } from '@kriptik/cli/testing.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kriptik-up-'));
const kubeconfig = join(folder, 'kubeconfig');
const data = join(folder, 'cluster');

const running = new Set<Up>();
afterAll(async () => {
  for (const up of running) await up.interrupt();
  rmSync(folder, { recursive: true, force: true });
});

interface Up {
  readonly output: () => string;
  /** What Ctrl-C in a terminal does: the signal goes to the whole process group. Resolves with the exit code. */
  readonly interrupt: () => Promise<number | null>;
}

/** An interpreter that runs the stand-in for the trainer, and everything else with the real Python. */
function standIn(): string {
  const path = join(folder, 'python');
  const node = join(ROOT, 'node_modules', '.bin', 'node');
  const fake = join(ROOT, 'test', 'support', 'fake-trainer.ts');
  writeFileSync(
    path,
    `#!/bin/sh\ncase "$1 $2 $3" in\n"-m kriptik_trainer run" | "-m kriptik_trainer version")\n  shift 2; exec '${node}' '${fake}' --step-ms 50 --total-steps 100000 "$@" ;;\nesac\nexec python3 "$@"\n`,
    { mode: 0o755 },
  );
  return path;
}

/** Starts `kriptik up` as a person would and waits until it says what to do next. */
async function up(python: string): Promise<Up> {
  const home = process.env['HOME'] ?? '';
  const env = {
    ...process.env,
    HOME: folder,
    KRIPTIK_CACHE:
      process.env['KRIPTIK_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'kriptik'),
    KRIPTIK_TRAINER_PYTHON: python,
    HF_HUB_OFFLINE: '1',
    NO_COLOR: '1',
  };
  const args = ['up', '--data-dir', data, '--work-dir', join(folder, 'work'), '--kubeconfig-out', kubeconfig];
  const child = spawn(join(ROOT, 'bin', 'kriptik'), [...args, '--rate', '1'], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  const started: Up = {
    output: () => text,
    interrupt: async () => {
      running.delete(started);
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      await ended;
      return child.exitCode;
    },
  };
  running.add(started);
  await waitFor(
    'kriptik up',
    () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${text}`);
      return text.includes('Ctrl-C saves') ? true : undefined;
    },
    { timeoutMs: 100_000 },
  );
  return started;
}

const cli = (...args: string[]): Promise<Ran> => runCli(['--kubeconfig', kubeconfig, ...args], { cwd: folder });

/** Command lines of processes that still have to do with this test's folder. */
function leftovers(): string[] {
  const all = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(folder));
}

/** A supervisor says how its trainer ended, and goes a moment later. Nothing trains in that moment. */
async function nothingRuns(): Promise<void> {
  expect(leftovers().filter((line) => line.includes('run --spec'))).toEqual([]);
  await waitFor('no process', () => leftovers().length === 0 || undefined);
}

async function step(): Promise<number> {
  const jobs = JSON.parse((await cli('get', 'jobs', '-o', 'json')).out);
  return jobs.items[0]?.status?.progress?.step ?? 0;
}

const GOAL = `apiVersion: training.kriptik.ai/v1alpha1
kind: TrainingGoal
metadata:
  name: kept
spec:
  goal: Train a small assistant that answers questions about our product, on this machine.
  budget:
    limit: "50.00"
    currency: USD
  data:
    - uri: ./faq.jsonl
  constraints:
    maxSteps: 5000
`;

describe('kriptik up', () => {
  it('trains, ends at Ctrl-C with nothing left running, and goes on from there', { timeout: 240_000 }, async () => {
    writeFileSync(join(folder, 'goal.yaml'), GOAL);
    const rows = Array.from({ length: 80 }, (_, index) => ({
      question: `What is ${index}?`,
      answer: `It is ${index}.`,
    }));
    writeFileSync(join(folder, 'faq.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

    const first = await up(standIn());
    expect(first.output()).toContain(`export KUBECONFIG=${kubeconfig}`);
    // From wherever the checkout lies, by the shorter of the two ways to write it.
    expect(first.output()).toMatch(/apply -f \S*\/examples\/quickstart\/goal\.yaml\n/);
    expect(first.output()).not.toContain('cannot train');
    expect((await cli('apply', '-f', 'goal.yaml')).err).not.toContain('error');
    expect((await cli('plan', 'kept')).code).toBe(0);
    expect((await cli('approve', 'kept', '--yes')).code).toBe(0);
    expect((await cli('watch', 'kept', '--until', 'running', '--timeout', '60')).err).toBe('');
    await waitFor('progress', async () => ((await step()) > 0 ? true : undefined));
    expect(await first.interrupt()).toBe(0);
    await nothingRuns();

    const second = await up(standIn());
    expect((await cli('get', 'goals', '-o', 'name')).out).toContain('traininggoal.training.kriptik.ai/kept');
    const resumed = await waitFor('the next attempt', async () => {
      const [job] = JSON.parse((await cli('get', 'jobs', '-o', 'json')).out).items;
      const attempt = job.status.attempts.at(-1);
      return attempt.state === 'Running' && attempt.number > 1 ? attempt : undefined;
    });
    expect(resumed.resumedFromStep).toBeGreaterThan(0);
    expect(await second.interrupt()).toBe(0);
    await nothingRuns();

    const third = await up(join(folder, 'no-such-python'));
    expect(third.output()).toMatch(/It cannot train yet: the trainer cannot be run.*make trainer/);
    expect((await cli('doctor')).out).toMatch(/FAIL +providers +none is ready. local: the trainer cannot be run/);
    expect(await third.interrupt()).toBe(0);
    await nothingRuns();
  });
});
