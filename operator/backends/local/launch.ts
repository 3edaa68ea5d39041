import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { trainerSpecFile } from '../../trainer/spec.ts';
import type { LaunchRequest, Resources } from '../backend.ts';
import { misconfigured, outcomeUnknown } from '../errors.ts';
import { trainerEnvironment } from './environment.ts';
import { codeOf, explainFileError, readRecord, writeRecord } from './files.ts';
import { instancesDirectory, type Layout, layoutIn, TEMPORARY_PREFIX } from './layout.ts';
import { tailOf } from './logs.ts';
import type { LocalOptions, LocalTiming } from './options.ts';
import { claimRecord, type LaunchRecord, launchRecord } from './records.ts';

const SUPERVISOR = fileURLToPath(new URL('supervisor.py', import.meta.url));
const POLL_MS = 10;

/** Exit codes of the supervisor; anything else is a fault of its own. */
const SUPERVISED = new Set([0, 3, 4]);

/** The stricter of two limits, field by field. */
export const stricter = (a: Resources, b: Resources): Resources => {
  const least = (x?: number, y?: number): number | undefined =>
    x === undefined ? y : y === undefined ? x : Math.min(x, y);
  const cpus = least(a.cpus, b.cpus);
  const memoryBytes = least(a.memoryBytes, b.memoryBytes);
  const niceness = Math.max(a.niceness ?? 0, b.niceness ?? 0);
  return { ...(cpus && { cpus }), ...(memoryBytes && { memoryBytes }), ...(niceness && { niceness }) };
};

/**
 * Makes the directory of the attempt, complete or not at all: it is filled under another name and renamed, which
 * the file system refuses where the name is taken. So of any number of operators one prepares, and the first
 * request of a name is the one that counts.
 */
export const prepare = async (
  layout: Layout,
  request: LaunchRequest,
  options: LocalOptions & { timing: LocalTiming; now: () => number },
): Promise<void> => {
  if ((await readRecord(layout.launch, launchRecord)) !== undefined) return;
  const instances = instancesDirectory(options.root);
  const temporary = join(instances, `${TEMPORARY_PREFIX}${request.name}-${randomBytes(6).toString('hex')}`);
  const { startTimeout, hardDeadlineGrace } = options.timing;
  const launch: LaunchRecord = {
    version: 1,
    id: randomUUID(),
    name: request.name,
    directory: layout.directory,
    job: request.job,
    createdAt: options.now(),
    command: options.trainerCommand,
    resources: stricter(options.resources ?? {}, request.resources ?? {}),
    ...(request.shape !== undefined && request.shape.gpuCount > 1 && { processes: request.shape.gpuCount }),
    timing: { startTimeout, hardDeadlineGrace },
  };
  const control = { host: '127.0.0.1', port: 0, tokenFile: layout.token, portFile: layout.port };
  try {
    await mkdir(instances, { recursive: true, mode: 0o700 });
    await mkdir(temporary, { mode: 0o700 });
    const within = layoutIn(temporary);
    await writeFile(within.token, request.token, { mode: 0o600 });
    await writeRecord(within.spec, trainerSpecFile.parse({ ...request.spec, control }));
    await writeRecord(within.deadline, { at: request.hardDeadline ?? null });
    await writeRecord(within.launch, launch);
    await rename(temporary, layout.directory);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return;
    throw explainFileError(error, `cannot prepare the attempt in ${instances}`);
  }
};

/** A port at which the processes of a run may meet: two runs of one machine must not take the same. */
const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw outcomeUnknown('no port is free on this machine');
  return address.port;
};

/** Starts a supervisor and waits until the attempt has been claimed, by it or by another. */
export const startSupervisor = async (
  layout: Layout,
  options: LocalOptions & { timing: LocalTiming; now: () => number },
): Promise<void> => {
  const launch = await readRecord(layout.launch, launchRecord);
  if (launch === undefined) throw outcomeUnknown(`${layout.directory} disappeared while it was being launched`);
  const claimBy = options.now() + options.timing.launchWindow;
  await writeRecord(layout.claimBy, { claimBy });
  const meeting = launch.processes === undefined ? {} : { masterPort: await freePort() };
  const output = await open(layout.supervisorLog, 'a', 0o600);
  let ended: { code: number | null } | undefined;
  let failure: Error | undefined;
  try {
    // -I -S: nothing from the environment or from site-packages runs in the supervisor.
    const child = spawn(options.python, ['-I', '-S', SUPERVISOR, layout.directory, String(claimBy)], {
      cwd: layout.directory,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      env: trainerEnvironment(
        options.env ?? process.env,
        options.trainerEnv ?? {},
        { ...launch, ...meeting },
        launch.resources,
      ),
    });
    child.on('error', (error) => {
      failure = error;
    });
    child.on('exit', (code) => {
      ended = { code };
    });
    child.unref();
  } finally {
    await output.close();
  }
  while ((await readRecord(layout.claim, claimRecord)) === undefined) {
    // Known not to have started: nobody needs to wait for it.
    if (failure !== undefined || (ended !== undefined && !SUPERVISED.has(ended.code ?? -1))) await rm(layout.claimBy);
    if (failure !== undefined) {
      throw misconfigured(`cannot run ${options.python}: ${failure.message}`, 'Run make trainer.', failure);
    }
    if (ended !== undefined) {
      if (SUPERVISED.has(ended.code ?? -1)) return;
      const said = (await tailOf(layout.supervisorLog, 5)).join('\n');
      throw misconfigured(
        `the supervisor ended with ${ended.code ?? 'a signal'}: ${said}`,
        `Check that ${options.python} is Python 3.9 or newer: run make trainer.`,
      );
    }
    if (options.now() > claimBy) throw outcomeUnknown(`no supervisor claimed ${layout.directory} in time`);
    await delay(POLL_MS);
  }
};
