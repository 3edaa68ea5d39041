import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** One run of the demo, with the real trainer and the real base model. */
class Demo {
  readonly process: ChildProcess;
  output = '';

  constructor(directory: string) {
    const script = join(ROOT, 'tools', 'demo', 'demo.ts');
    this.process = spawn(process.execPath, [script, '--yes', '--directory', directory], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
  }

  async exitCode(): Promise<number | null> {
    if (this.process.exitCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }
}

/** Command lines of processes that name the directory. */
async function processesOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(directory)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}

describe('the quickstart, as make demo runs it', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kriptik-demo-'));
  });
  afterEach(async () => {
    expect(await processesOf(directory)).toEqual([]);
    await rm(directory, { recursive: true, force: true });
  });

  it('goes from plain language over a freeze and a raise to a model that knows the answers', async () => {
    const demo = new Demo(directory);
    expect(await demo.exitCode(), demo.output).toBe(0);
    const { output } = demo;

    const frozen = /The checkpoint of step (\d+) is saved and verified\. \$([\d.]+) of \$0\.10 is spent/.exec(output);
    expect(Number(frozen?.[1]), output).toBeGreaterThan(0);
    expect(Number(frozen?.[2])).toBeLessThanOrEqual(0.1);
    // The first step that is told after the raise: not less than what was saved, so nothing was lost.
    const resumed = /step (\d+) of 80/.exec(output.slice(output.indexOf('6. Raise the budget')));
    expect(Number(resumed?.[1]), output).toBeGreaterThanOrEqual(Number(frozen?.[1]));

    const losses = [...output.matchAll(/loss ([\d.]+)/g)].map((match) => Number(match[1]));
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);

    // Words of the help desk's facts, in the right-hand column: what the base model cannot know.
    const trained = output
      .slice(output.indexOf('kriptik try'))
      .split('\n')
      .map((line) => line.split('│')[1] ?? '');
    for (const fact of ['checkpoint', 'spec.budget.limit', 'Parquet']) expect(trained.join('\n')).toContain(fact);

    const weights = await readdir(join(directory, 'model'), { recursive: true });
    const safetensors = weights.filter((name) => name.endsWith('.safetensors'));
    expect(safetensors.length).toBeGreaterThanOrEqual(2);
    for (const name of safetensors) expect((await stat(join(directory, 'model', name))).size).toBeGreaterThan(100_000);
    expect(weights.some((name) => name.endsWith('README.md'))).toBe(true);
  });

  it('leaves nothing running after Ctrl-C in the middle of training', async () => {
    const demo = new Demo(directory);
    const training = () => {
      if (demo.process.exitCode !== null) throw new Error(`the demo ended before it trained:\n${demo.output}`);
      return /step [1-9]\d* of 80, loss/.test(demo.output) ? true : undefined;
    };
    await waitFor('a training step', training, { timeoutMs: 600_000 });
    demo.process.kill('SIGINT');
    expect(await demo.exitCode(), demo.output).toBe(130);
    expect(await processesOf(directory)).toEqual([]);
  });
});
