import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { until } from '../backends/testing/until.ts';
import { openStore } from '../store/open.ts';
import { createTrainerClient, type TrainerClient } from './client.ts';
import * as messages from './messages.ts';
import { attemptResult } from './result.ts';
import { trainerSpecFile } from './spec.ts';
import { checkpointDirectory, writeSaved } from './testing/manifest.ts';

const TRAINER = fileURLToPath(new URL('../../trainer', import.meta.url));
const SERVER = fileURLToPath(new URL('testing/control_server.py', import.meta.url));
const PYTHON = process.env['KRIPTIK_PYTHON'] ?? 'python3';
const env = { ...process.env, PYTHONPATH: TRAINER, PYTHONDONTWRITEBYTECODE: '1' };

describe("the trainer's own control server", () => {
  let root: string;
  let server: ChildProcess;
  let lines: Interface;
  let trainer: TrainerClient;

  /** Has the server do something; returns the stops that it has seen. */
  const tell = async (command: string): Promise<number> => {
    server.stdin?.write(`${command}\n`);
    const [line] = await once(lines, 'line');
    return Number(String(line).split(' ').at(-1));
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'kriptik-contract-'));
    await writeFile(join(root, 'token'), 'secret\n');
    server = spawn(PYTHON, [SERVER, root], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    lines = createInterface({ input: server.stdout ?? process.stdin });
    const port = await until('the control server listens', async () => {
      const text = await readFile(join(root, 'port.json'), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : (JSON.parse(text) as { port: number }).port;
    });
    trainer = createTrainerClient({ baseUrl: `http://127.0.0.1:${port}`, token: 'secret' });
  });
  afterAll(async () => {
    await trainer.close();
    server.stdin?.end();
    await once(server, 'exit');
    await rm(root, { recursive: true, force: true });
  });

  test('is understood from the first status to a saved checkpoint', async () => {
    expect(await trainer.status()).toMatchObject({ phase: 'starting', attempt: 'job-1', lastCheckpoint: null });
    await tell('train');
    expect(await trainer.status()).toMatchObject({ phase: 'training', step: 3, totalSteps: 10, secondsPerStep: 0.5 });
    const first = await trainer.metrics(0, 2);
    expect(first.points.map((point) => point.step)).toEqual([1, 2]);
    expect((await trainer.metrics(first.next)).points.map((point) => point.step)).toEqual([3]);

    const ask = { id: 'freeze-1', stop: true, reason: 'Budget' };
    expect(await trainer.checkpoint(ask)).toEqual({ id: 'freeze-1', state: 'pending' });
    expect((await trainer.status()).request).toMatchObject({ id: 'freeze-1', state: 'pending' });
    await tell('save');
    const done = await trainer.checkpointState('freeze-1');
    expect(done).toMatchObject({ state: 'done', checkpoint: { step: 3, reason: 'requested' } });

    const { checkpoint, problems } = await openStore(pathToFileURL(join(root, 'store')).href).latestVerified();
    expect(problems).toEqual([]);
    expect(checkpoint?.manifestSha256).toBe(done?.checkpoint?.manifestSha256);
    expect(checkpoint?.uri).toBe(done?.checkpoint?.uri);
    expect(checkpoint?.sizeBytes).toBe(done?.checkpoint?.sizeBytes);
  });

  test('gives up a request that nobody has begun on', async () => {
    await trainer.checkpoint({ id: 'freeze-2', stop: true, reason: 'Budget' });
    expect(await trainer.cancelCheckpoint('freeze-2')).toBe(true);
    expect(await trainer.checkpointState('freeze-2')).toBeUndefined();
    expect(await trainer.cancelCheckpoint('freeze-1')).toBe(false);
  });

  test('shows what the operator judges a run by', async () => {
    const shown = await trainer.status();
    expect(shown).toMatchObject({
      stepsSinceCheckpoint: 0,
      lastCheckpointError: null,
      dataWaitShare: 0.2,
      gradNorm: 1,
    });
    expect(shown.hostMemory?.totalBytes).toBeGreaterThan(0);
    expect(Date.parse(shown.lastProgressAt ?? '')).toBeGreaterThan(Date.parse(shown.startedAt));
    expect(shown.world).toEqual({ size: 1, nodes: 1 });
  });

  test('takes a deadline, a stop, and refuses as expected', async () => {
    const before = Date.now();
    const held = (await trainer.setDeadlineIn(90)) ?? 0;
    // Times are cut to the millisecond.
    expect(held).toBeGreaterThanOrEqual(before + 89_999);
    expect(held).toBeLessThanOrEqual(Date.now() + 90_000);
    expect(await trainer.setDeadlineIn(null)).toBeNull();
    await trainer.stop({ id: 'stop-1', checkpoint: false });
    expect(await tell('look')).toBe(1);
    expect(await trainer.checkpointState('unknown')).toBeUndefined();
    const invalid = trainer.checkpoint({ id: 'not/an id', stop: false, reason: '' });
    await expect(invalid).rejects.toMatchObject({ kind: 'Problem', status: 400 });
  });

  test('refuses another token', async () => {
    const { port } = JSON.parse(await readFile(join(root, 'port.json'), 'utf8')) as { port: number };
    const stranger = createTrainerClient({ baseUrl: `http://127.0.0.1:${port}`, token: 'wrong' });
    await expect(stranger.status()).rejects.toMatchObject({ kind: 'Unauthorized' });
    await stranger.close();
  });

  test('the trainer accepts the manifests that tests write', async () => {
    const store = join(root, 'other');
    const meta = { step: 5, attempt: 'job-1', createdAt: '2026-01-31T12:00:00.000Z' };
    const saved = await writeSaved(checkpointDirectory(store, 5), 'checkpoint', { 'a/b.txt': 'b' }, meta);
    const args = ['-m', 'kriptik_trainer', 'verify', '--uri', saved.uri];
    const { stdout } = await promisify(execFile)(PYTHON, args, { env });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, step: 5, manifestSha256: saved.manifestSha256 });
  });
});

describe('the example messages of the protocol', () => {
  const directory = join(TRAINER, 'protocol', 'examples');

  test('the specs are accepted by the trainer', async () => {
    const specs = (await readdir(directory))
      .filter((name) => name.startsWith('spec'))
      .map((name) => join(directory, name));
    expect(specs.length).toBeGreaterThan(0);
    const script =
      'import sys, pathlib, kriptik_trainer.spec as s; [s.load_spec(pathlib.Path(p)) for p in sys.argv[1:]]';
    await promisify(execFile)(PYTHON, ['-c', script, ...specs], { env });
  });

  const schemas: Record<string, z.ZodType> = {
    spec: trainerSpecFile,
    status: messages.status,
    metrics: messages.metricsPage,
    checkpoint: messages.checkpointRequest,
    deadline: messages.deadlineAnswer,
    problem: messages.problem,
    result: attemptResult,
  };

  test('are all understood', async () => {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.json'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const schema = schemas[/^[a-z]+/.exec(name)?.[0] ?? ''];
      if (schema === undefined) continue;
      const parsed = schema.safeParse(JSON.parse(await readFile(join(directory, name), 'utf8')));
      expect(parsed.error?.issues ?? [], name).toEqual([]);
    }
  });
});
