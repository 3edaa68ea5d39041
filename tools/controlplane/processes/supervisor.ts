// Runs as a process of its own: starts the programs of one control plane and ends them when it is told to, or
// when its standard input closes, which the system does for us when the parent dies, even by SIGKILL.
import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { releaseHost } from './host.ts';
import { type ProcessRecord, recordOf, signalRecorded, whenGone } from './identity.ts';
import { type Command, type Notice, PROCESSES_FILE } from './protocol.ts';

interface Running {
  readonly record: ProcessRecord;
  readonly endSignal: NodeJS.Signals;
  readonly exited: Promise<void>;
}

const [runDirectory = '', removeWhenOrphaned = ''] = process.argv.slice(2);
const running: Running[] = [];
let stopping: Promise<void> | undefined;

const input = createInterface({ input: process.stdin });
input.on('line', (line) => obey(JSON.parse(line) as Command));
input.on('close', () => stop({ graceMs: 3_000, remove: removeWhenOrphaned === 'remove' }));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => stop({ graceMs: 3_000, remove: removeWhenOrphaned === 'remove' }));
}
// Notices to a parent that is gone are lost, not fatal.
process.stdout.on('error', () => {});

function obey(command: Command): void {
  if (command.op === 'start') start(command);
  else if (command.op === 'adopt') adopt(command);
  else if (command.op === 'stop') stop(command);
  else void endPrograms(0, command.names).then(() => notify({ event: 'idle' }));
}

function start({ name, file, args, log, cwd, env, endSignal = 'SIGTERM' }: Extract<Command, { op: 'start' }>): void {
  if (stopping) return;
  const output = openSync(log, 'a', 0o600);
  const child = spawn(file, args, { cwd: cwd ?? runDirectory, stdio: ['ignore', output, output], ...(env && { env }) });
  closeSync(output);
  const exited = new Promise<void>((resolve) => {
    const over = (detail: string) => {
      notify({ event: 'exited', name, detail });
      resolve();
    };
    child.on('error', (error) => over(error.message));
    child.on('exit', (code, signal) => over(signal ? `signal ${signal}` : `exit code ${code}`));
  });
  if (child.pid === undefined) return;
  const record = recordOf(name, child.pid);
  if (record) add({ record, endSignal, exited });
  // It has ended already, which is told as soon as the system tells us.
  else notify({ event: 'started', name, pid: child.pid });
}

function adopt({ name, pid }: Extract<Command, { op: 'adopt' }>): void {
  const record = recordOf(name, pid);
  const over = () => notify({ event: 'exited', name, detail: 'it is gone' });
  if (record) add({ record, endSignal: 'SIGKILL', exited: whenGone([record]).then(over) });
  else over();
}

function add(program: Running): void {
  running.push(program);
  writeRecords();
  void program.exited.then(() => {
    running.splice(running.indexOf(program), 1);
  });
  notify({ event: 'started', name: program.record.name, pid: program.record.pid });
}

function stop(how: { graceMs: number; remove: boolean }): void {
  stopping ??= finish(how).then(() => process.exit(0));
}

async function finish({ graceMs, remove }: { graceMs: number; remove: boolean }): Promise<void> {
  await endPrograms(graceMs);
  await releaseHost(runDirectory);
  if (remove) rmSync(runDirectory, { recursive: true, force: true });
}

async function endPrograms(graceMs: number, names?: readonly string[]): Promise<void> {
  // Last started, first ended: each depends on those before it.
  for (const { record, endSignal, exited } of [...running].reverse()) {
    if (names && !names.includes(record.name)) continue;
    signalRecorded(record, graceMs > 0 ? endSignal : 'SIGKILL');
    const killer = setTimeout(() => signalRecorded(record, 'SIGKILL'), graceMs);
    await exited;
    clearTimeout(killer);
  }
  writeRecords();
}

/** On disk, so that the next start can end what is left should this process be killed too. */
function writeRecords(): void {
  const path = join(runDirectory, PROCESSES_FILE);
  writeFileSync(`${path}.new`, JSON.stringify(running.map(({ record }) => record)));
  renameSync(`${path}.new`, path);
}

function notify(notice: Notice): void {
  process.stdout.write(`${JSON.stringify(notice)}\n`);
}
