import { readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../store/open.ts';
import { isBackendError } from '../errors.ts';
import { layoutOf } from './layout.ts';
import { Bench } from './testing/harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

describe('limits hold without the operator', () => {
  test('at the hard deadline nothing runs any more, even if the trainer ignores everything', async () => {
    const slowness = 20;
    const backend = bench.backend({
      trainerCommand: bench.command('--deaf'),
      python: await bench.slowedPython(slowness),
      timing: { hardDeadlineGrace: 1_000 },
    });
    await backend.launch(bench.request('late', { hardDeadline: Date.now() + 600_000 }));
    await bench.running(backend, 'late');
    const { at } = await bench.claim('late');
    // By the supervisor's clock, which began with its claim.
    const hardDeadline = Math.ceil(at + (Date.now() - at) / slowness) + 550;
    await backend.setHardDeadline('late', hardDeadline);
    const { exit } = await bench.exited(backend, 'late');
    expect(exit).toMatchObject({ reason: 'hardDeadline', signal: 'SIGKILL' });
    expect(exit?.at).toBeLessThanOrEqual(hardDeadline);
    expect(exit?.message).toMatch(/hard deadline was reached/);
  });

  test('before the hard deadline the trainer gets the time to save', async () => {
    const backend = bench.backend({ timing: { hardDeadlineGrace: 60_000 } });
    await backend.launch(bench.request('saves'));
    await bench.running(backend, 'saves');
    await backend.setHardDeadline('saves', Date.now() + 60_500);
    const { exit } = await bench.exited(backend, 'saves');
    expect(exit).toMatchObject({ reason: 'hardDeadline', code: 10 });
    expect((await openStore(bench.storeUri).latestVerified()).checkpoint?.attempt).toBe('saves');
  });

  test('a hard deadline given at the launch holds, also when it is over before the trainer listens', async () => {
    const backend = bench.backend({ timing: { hardDeadlineGrace: 100 } });
    await backend.launch(bench.request('short', { hardDeadline: Date.now() }));
    expect((await bench.exited(backend, 'short')).exit?.reason).toBe('hardDeadline');
  });

  test('memory over the limit ends the attempt and says what to do', async () => {
    const backend = bench.backend({
      trainerCommand: bench.command('--allocate-mib', '300'),
      resources: { memoryBytes: 200 * 1024 * 1024 },
    });
    await backend.launch(bench.request('greedy', { resources: { memoryBytes: 1024 ** 3 } }));
    const { exit } = await bench.exited(backend, 'greedy');
    expect(exit).toMatchObject({ reason: 'memoryLimit', signal: 'SIGKILL' });
    expect(exit?.message).toMatch(/its limit is 200 MiB: lower the batch size/);
  });

  test('cores and priority are those asked for', async () => {
    const backend = bench.backend({ resources: { cpus: 1, niceness: 7 } });
    await backend.launch(bench.request('modest'));
    const pid = await bench.trainerPid('modest');
    await bench.running(backend, 'modest');
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const [, allowed = ''] = /Cpus_allowed_list:\s+(\S+)/.exec(status) ?? [];
    expect(allowed).toMatch(/^\d+$/);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Added to what this process has itself.
    expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]).toBe(String(Math.min(19, getPriority() + 7)));
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).toContain('OMP_NUM_THREADS=1');
  });

  test('a trainer that never opens its port is ended', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--silent'), timing: { startTimeout: 400 } });
    await backend.launch(bench.request('silent'));
    const { exit } = await bench.exited(backend, 'silent');
    expect(exit?.reason).toBe('startTimeout');
    expect(exit?.message).toMatch(/its log tells why/);
  });
});

describe('what cannot be started says what to do', () => {
  test('a trainer that is not there', async () => {
    const backend = bench.backend({ trainerCommand: ['/nowhere/python', '-m', 'kriptik_trainer'] });
    await backend.launch(bench.request('absent'));
    const { exit } = await bench.exited(backend, 'absent');
    expect(exit?.reason).toBe('spawnFailed');
    expect(exit?.message).toMatch(/run make trainer/);
    expect(await backend.probe()).toMatchObject({
      ready: false,
      reason: 'TrainerMissing',
      remedy: 'Run make trainer, or let KRIPTIK_TRAINER_PYTHON name a Python that has the trainer.',
    });
  });

  test('a Python that is not there, without leaving anything that counts as running', async () => {
    const backend = bench.backend({ python: '/nowhere/python' });
    await expect(backend.launch(bench.request('absent'))).rejects.toThrow(/cannot run \/nowhere\/python/);
    expect(await backend.find('absent')).toBeUndefined();
  });

  test('a Python that cannot run the supervisor', async () => {
    const backend = bench.backend({ python: 'false' });
    await expect(backend.launch(bench.request('broken'))).rejects.toThrow(/the supervisor ended with 1/);
    expect(await backend.find('broken')).toBeUndefined();
  });

  test('a working directory that cannot be written', async () => {
    const file = join(bench.root, 'file');
    await writeFile(file, '');
    const backend = bench.backend({ root: join(file, 'work') });
    await expect(backend.launch(bench.request('nowhere'))).rejects.toSatisfy((error: unknown) =>
      isBackendError(error, 'Misconfigured'),
    );
    expect(await backend.probe()).toMatchObject({ ready: false, reason: 'WorkDirUnwritable' });
  });

  test('more memory than the machine has', async () => {
    const probe = await bench.backend({ resources: { memoryBytes: 2 ** 50 } }).probe();
    expect(probe).toMatchObject({ ready: false, reason: 'MemoryTooSmall' });
  });

  test('a GPU that is not there', async () => {
    const probe = await bench.backend({ gpu: { name: 'rtx-4090', count: 99 } }).probe();
    expect(probe).toMatchObject({ ready: false, reason: 'GPUMissing' });
  });

  test('a record that was damaged is not taken for absence', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('damaged'));
    // The supervisor writes its record anew once the trainer runs, which would mend it.
    await bench.trainerPid('damaged');
    const { claim } = layoutOf(bench.options.root, 'damaged');
    const whole = await readFile(claim);
    try {
      await writeFile(claim, '{');
      await expect(backend.find('damaged')).rejects.toSatisfy((error: unknown) =>
        isBackendError(error, 'OutcomeUnknown'),
      );
    } finally {
      await writeFile(claim, whole);
    }
  });

  test('a spec that is not valid names the field', async () => {
    const request = bench.request('invalid');
    const spec = { ...request.spec, hyperparameters: { ...request.spec.hyperparameters, batchSize: 0 } };
    await expect(bench.backend().launch({ ...request, spec })).rejects.toThrow(/hyperparameters\.batchSize/);
  });
});
