import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../store/open.ts';
import { isBackendError } from '../errors.ts';
import { until } from '../testing/until.ts';
import { layoutOf } from './layout.ts';
import { Bench } from './testing/harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

describe('an attempt from launch to release', () => {
  test('trains, exits with the code of the trainer and is kept until it is released', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--total-steps', '6', '--step-ms', '1') });
    const launched = await backend.launch(bench.request('one'));
    expect(launched.name).toBe('one');
    const ended = await bench.exited(backend, 'one');
    expect(ended.exit).toMatchObject({ code: 0, signal: null, reason: 'exited' });
    expect(ended.exit?.at).toBeGreaterThan(ended.startedAt ?? Number.POSITIVE_INFINITY);
    await until('the supervisor has left as well', async () => (await bench.marked('one')).length === 0);
    expect((await openStore(bench.storeUri).result('one'))?.outcome).toBe('succeeded');

    await backend.release('one');
    expect(await backend.find('one')).toBeUndefined();
    expect(await backend.list()).toEqual([]);
    expect(await backend.token('one')).toBeUndefined();
    await expect(backend.launch(bench.request('one'))).rejects.toThrow(/has ended and was released/);
  });

  test('terminate lets the trainer save: it freezes with a checkpoint and code 10', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('saves'));
    await bench.running(backend, 'saves');
    await backend.terminate('saves', { graceMs: 60_000 });
    const ended = await bench.exited(backend, 'saves');
    expect(ended.exit).toMatchObject({ code: 10, reason: 'terminated' });
    const { checkpoint, problems } = await openStore(bench.storeUri).latestVerified();
    expect(problems).toEqual([]);
    expect(checkpoint?.attempt).toBe('saves');
  });

  test('a trainer that ignores SIGTERM is killed after the grace', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--deaf') });
    await backend.launch(bench.request('deaf'));
    await bench.running(backend, 'deaf');
    await backend.terminate('deaf', { graceMs: 300 });
    const ended = await bench.exited(backend, 'deaf');
    expect(ended.exit).toMatchObject({ code: null, signal: 'SIGKILL', reason: 'terminated' });
  });

  test('a sooner end shortens an earlier, longer grace', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--deaf') });
    await backend.launch(bench.request('hurry'));
    await bench.running(backend, 'hurry');
    await backend.terminate('hurry', { graceMs: 600_000 });
    await backend.terminate('hurry', { graceMs: 0 });
    expect((await bench.exited(backend, 'hurry')).exit?.signal).toBe('SIGKILL');
  });

  test('processes that change their session and lose their parent and environment do not survive', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--escape') });
    await backend.launch(bench.request('escape'));
    await bench.running(backend, 'escape');
    const supervisor = (await bench.claim('escape')).pid;
    const escaped = await until('the strays are adopted by the supervisor', async () => {
      const children = await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8');
      const pids = children.trim().split(/\s+/).map(Number);
      return pids.length > 1 ? pids : undefined;
    });
    await backend.terminate('escape', { graceMs: 5_000 });
    await bench.exited(backend, 'escape');
    for (const pid of escaped) expect(await bench.runs(pid), `process ${pid}`).toBe(false);
  });

  test('the token and the spec are readable by this user only, and the token outlives the operator', async () => {
    await bench.backend().launch(bench.request('secret'));
    const layout = layoutOf(bench.options.root, 'secret');
    for (const file of [layout.token, layout.spec]) expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(layout.directory)).mode & 0o777).toBe(0o700);
    expect(await bench.backend().token('secret')).toBe('token-of-secret');
  });

  test('a running attempt is not released', async () => {
    const backend = bench.backend();
    const { state } = await backend.launch(bench.request('busy'));
    expect(state).not.toBe('exited');
    await expect(backend.release('busy')).rejects.toThrow(/Terminate it first|is (starting|running)/);
  });

  test('unknown names are absent, and ending them is no error', async () => {
    const backend = bench.backend();
    expect(await backend.find('nobody')).toBeUndefined();
    await backend.terminate('nobody', { graceMs: 0 });
    await backend.release('nobody');
  });

  test('names that could leave the directory are refused', async () => {
    await expect(bench.backend().find('../../etc')).rejects.toSatisfy((error: unknown) =>
      isBackendError(error, 'Misconfigured'),
    );
  });

  test('the machine takes no more attempts than it may', async () => {
    const backend = bench.backend({ maxInstances: 1 });
    expect(await backend.probe()).toEqual({ ready: true, capacity: { instances: 1, free: 1 }, gpus: [] });
    const outcomes = await Promise.allSettled([
      backend.launch(bench.request('first')),
      backend.launch(bench.request('second')),
    ]);
    const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(isBackendError(refused?.reason, 'NoCapacity')).toBe(true);
    expect(await backend.probe()).toMatchObject({ capacity: { free: 0 } });
    expect(fileURLToPath(bench.storeUri)).toContain(bench.root);
  });
});
