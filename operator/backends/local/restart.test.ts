import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../store/open.ts';
import { until } from '../testing/until.ts';
import { prepare, startSupervisor } from './launch.ts';
import { instancesDirectory, layoutOf } from './layout.ts';
import { DEFAULT_TIMING } from './options.ts';
import { Bench } from './testing/harness.ts';

const OPERATOR = fileURLToPath(new URL('testing/operator-process.ts', import.meta.url));

let bench: Bench;
let operators: ChildProcess[];
beforeEach(async () => {
  bench = await Bench.open();
  operators = [];
});
afterEach(async () => {
  for (const operator of operators) operator.kill('SIGKILL');
  await bench.close();
});

const startOperator = (name: string): { operator: ChildProcess; launched: Promise<{ id: string }> } => {
  const args = [OPERATOR, JSON.stringify(bench.options), JSON.stringify(bench.request(name))];
  const operator = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  operators.push(operator);
  const launched = once(operator.stdout, 'data').then(([data]) => JSON.parse(String(data)) as { id: string });
  return { operator, launched };
};

const supervisorsOf = async (name: string): Promise<number> => {
  let count = 0;
  for (const { pid } of await bench.marked(name)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('supervisor.py')) count += 1;
  }
  return count;
};

describe('however often an attempt is launched, it runs once', () => {
  test('two operators that launch at the same moment get the same instance', async () => {
    const both = [startOperator('twice'), startOperator('twice')];
    const [one, other] = await Promise.all(both.map(({ launched }) => launched));
    expect(one?.id).toBe(other?.id);
    await bench.running(bench.backend(), 'twice');
    await until('the loser has gone', async () => (await supervisorsOf('twice')) === 1);
    const pid = await bench.trainerPid('twice');
    const others = (await bench.marked('twice')).map((one) => one.pid).filter((one) => one !== pid);
    expect(others).toEqual([(await bench.claim('twice')).pid]);
    const left = await readdir(instancesDirectory(bench.options.root));
    expect(left).toEqual(['twice']);
  });

  test('ten launches of one operator are one attempt', async () => {
    const backends = Array.from({ length: 10 }, () => bench.backend());
    const launched = await Promise.all(backends.map((backend) => backend.launch(bench.request('ten'))));
    expect(new Set(launched.map((instance) => instance.id)).size).toBe(1);
    await until('one supervisor is left', async () => (await supervisorsOf('ten')) === 1);
  });

  test('an attempt that has ended is returned, not run again', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--total-steps', '1', '--step-ms', '1') });
    await backend.launch(bench.request('once'));
    const { exit } = await bench.exited(backend, 'once');
    expect((await bench.backend().launch(bench.request('once'))).exit).toEqual(exit);
    const before = await bench.claim('once');
    await until('its supervisor has left', async () => (await supervisorsOf('once')) === 0);
    const settled = { ...bench.options, timing: DEFAULT_TIMING, now: Date.now };
    await startSupervisor(layoutOf(bench.options.root, 'once'), settled);
    await until('the late one has left', async () => (await supervisorsOf('once')) === 0);
    expect(await bench.claim('once')).toEqual(before);
  });
});

describe('after the operator was killed', () => {
  // Node starts in about 100 ms, the launch takes another 200: from before it to after it.
  test.each([60, 120, 150, 180, 220, 300])('%i ms into its launch, its successor makes it one attempt', async (ms) => {
    const { operator, launched } = startOperator('cut');
    launched.catch(() => undefined);
    await delay(ms);
    operator.kill('SIGKILL');
    await once(operator, 'exit');
    const backend = bench.backend();
    await backend.launch(bench.request('cut'));
    await bench.running(backend, 'cut');
    await until('one supervisor is left, with its trainer', async () => {
      return (await supervisorsOf('cut')) === 1 && (await bench.marked('cut')).length === 2;
    });
    const log = await until('it trains', async () => {
      const text = await readFile(layoutOf(bench.options.root, 'cut').log, 'utf8');
      return /^step 2\//m.test(text) ? text : undefined;
    });
    expect(log.match(/^step 1\//gm)).toHaveLength(1);
  });

  test('its successor knows the attempt, its endpoint, its token and its end', async () => {
    const { operator, launched } = startOperator('adopted');
    const { id } = await launched;
    operator.kill('SIGKILL');
    await once(operator, 'exit');
    const successor = bench.backend();
    const instance = await bench.running(successor, 'adopted');
    expect(instance.id).toBe(id);
    const token = await successor.token('adopted');
    const answer = await fetch(`${instance.endpoint}/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    await successor.terminate('adopted', { graceMs: 60_000 });
    expect((await bench.exited(successor, 'adopted')).exit?.code).toBe(10);
  });

  test('a launch that died between the directory and the process is continued by the next', async () => {
    let clock = Date.now();
    const backend = bench.backend({ now: () => clock });
    const settled = { ...bench.options, timing: DEFAULT_TIMING, now: Date.now };
    await prepare(layoutOf(bench.options.root, 'halfway'), bench.request('halfway'), settled);
    expect(await backend.find('halfway')).toBeUndefined();
    clock = Date.now();
    expect((await backend.launch(bench.request('halfway', { token: 'another' }))).state).not.toBe('exited');
    expect(await backend.token('halfway')).toBe('token-of-halfway');
  });

  test('one that was ended before it began never begins', async () => {
    const backend = bench.backend();
    const settled = { ...bench.options, timing: DEFAULT_TIMING, now: Date.now };
    await prepare(layoutOf(bench.options.root, 'never'), bench.request('never'), settled);
    await backend.terminate('never', { graceMs: 0 });
    expect((await backend.find('never'))?.exit?.reason).toBe('neverStarted');
    expect((await backend.launch(bench.request('never'))).state).toBe('exited');
    // Nor does a supervisor that was on its way when the end was asked for start anything.
    await startSupervisor(layoutOf(bench.options.root, 'never'), settled);
    await until('the supervisor has left', async () => (await bench.marked('never')).length === 0);
    expect((await bench.claim('never')).trainer).toBeUndefined();
    expect((await backend.find('never'))?.exit?.reason).toBe('neverStarted');
  });
});

describe('after the supervisor was killed', () => {
  test('the trainer saves and exits by itself, and the attempt counts as lost', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('lost'));
    await bench.running(backend, 'lost');
    process.kill((await bench.claim('lost')).pid, 'SIGKILL');
    // Nobody looks meanwhile: it is the kernel that tells the trainer.
    const store = openStore(bench.storeUri);
    await until('the trainer has saved', async () => (await store.result('lost'))?.outcome === 'frozen');
    const ended = await bench.exited(backend, 'lost');
    expect(ended.exit).toMatchObject({ code: null, reason: 'supervisorLost' });
    expect((await backend.find('lost'))?.exit).toEqual(ended.exit);
  });

  test('a trainer that hangs then is not called gone, and is killed', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--deaf') });
    await backend.launch(bench.request('hung'));
    await bench.running(backend, 'hung');
    const pid = await bench.trainerPid('hung');
    process.kill((await bench.claim('hung')).pid, 'SIGKILL');
    await until('the supervisor is dead', async () => (await supervisorsOf('hung')) === 0);
    expect((await backend.find('hung'))?.state).toBe('running');
    expect(await bench.runs(pid)).toBe(true);
    await backend.terminate('hung', { graceMs: 0 });
    expect((await bench.exited(backend, 'hung')).exit?.reason).toBe('supervisorLost');
    await bench.gone(pid);
  });

  test('what shed its mark, its session and its parent is ended too, where control groups can be had', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--escape', '--deaf') });
    await backend.launch(bench.request('shed'));
    await bench.running(backend, 'shed');
    // The supervisor notes the control group together with the trainer.
    await bench.trainerPid('shed');
    const { pid: supervisor, cgroup } = await bench.claim('shed');
    const strays = await until('the strays are adopted by the supervisor', async () => {
      const children = await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8');
      const pids = children.trim().split(/\s+/).map(Number);
      return pids.length > 1 ? pids : undefined;
    });
    process.kill(supervisor, 'SIGKILL');
    await backend.terminate('shed', { graceMs: 0 });
    await bench.exited(backend, 'shed');
    for (const pid of strays) {
      if (cgroup !== undefined) await bench.gone(pid);
      else if (await bench.runs(pid)) process.kill(pid, 'SIGKILL');
    }
  });

  test('a look alone ends what it left, after a grace', async () => {
    const backend = bench.backend({ trainerCommand: bench.command('--deaf'), timing: { unsupervisedGrace: 200 } });
    await backend.launch(bench.request('swept'));
    await bench.running(backend, 'swept');
    process.kill((await bench.claim('swept')).pid, 'SIGKILL');
    await until('the sweep finds nothing running', async () => (await backend.list())[0]?.state === 'exited');
    expect(await bench.marked('swept')).toEqual([]);
  });

  test('another process with its number is not taken for it, nor harmed', async () => {
    const backend = bench.backend();
    await backend.launch(bench.request('reused'));
    await bench.running(backend, 'reused');
    const claim = await bench.claim('reused');
    process.kill(claim.pid, 'SIGKILL');
    await bench.exited(backend, 'reused');
    const layout = layoutOf(bench.options.root, 'reused');
    await rm(layout.exit);
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore' });
    operators.push(bystander);
    await writeFile(layout.claim, JSON.stringify({ ...claim, pid: bystander.pid }));
    expect((await backend.find('reused'))?.exit?.reason).toBe('supervisorLost');
    await backend.terminate('reused', { graceMs: 0 });
    expect(await bench.runs(bystander.pid ?? 0)).toBe(true);
  });

  test('a supervisor that hangs is replaced by the operator once the end is overdue', async () => {
    const backend = bench.backend({ timing: { supervisorGrace: 200 } });
    await backend.launch(bench.request('stuck'));
    await bench.running(backend, 'stuck');
    process.kill((await bench.claim('stuck')).pid, 'SIGSTOP');
    await until('it is gone', async () => {
      await backend.terminate('stuck', { graceMs: 100 });
      return (await backend.find('stuck'))?.state === 'exited';
    });
    expect(await bench.marked('stuck')).toEqual([]);
  });
});

test('an attempt whose directory was removed by hand is still seen, and ends', async () => {
  const backend = bench.backend({ trainerCommand: bench.command('--deaf') });
  await backend.launch(bench.request('removed'));
  await bench.running(backend, 'removed');
  const pid = await bench.trainerPid('removed');
  const { cgroup } = await bench.claim('removed');
  await rm(layoutOf(bench.options.root, 'removed').directory, { recursive: true });
  expect((await backend.find('removed'))?.state).toBe('starting');
  await backend.terminate('removed', { graceMs: 0 });
  await until('nothing of it is left', async () => (await backend.find('removed')) === undefined);
  await bench.gone(pid);
  // The record that named it was removed as well, so nobody else can.
  if (cgroup !== undefined) await rmdir(cgroup).catch(() => undefined);
});
