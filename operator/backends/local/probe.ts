import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { capabilities, type TrainerCapabilities } from '../../trainer/capabilities.ts';
import type { ProbeResult } from '../backend.ts';
import { isBackendError } from '../errors.ts';
import { trainerEnvironment } from './environment.ts';
import { explainFileError, isDiskFull } from './files.ts';
import { instancesDirectory, TEMPORARY_PREFIX } from './layout.ts';
import type { LocalOptions } from './options.ts';

const run = promisify(execFile);
const GIB = 1024 ** 3;
/** A LoRA of a small model with its checkpoints and merged export needs about this much. */
const MIN_FREE_BYTES = 2 * GIB;
const COMMAND_TIMEOUT_MS = 60_000;

const INSTALL_TRAINER = 'Run make trainer, or let KRIPTIK_TRAINER_PYTHON name a Python that has the trainer.';

type NotReady = Extract<ProbeResult, { ready: false }>;
const notReady = (reason: string, message: string, remedy: string): NotReady => ({
  ready: false,
  reason,
  message,
  remedy,
});

const checkDisk = async (root: string): Promise<NotReady | undefined> => {
  const instances = instancesDirectory(root);
  // Named as what is half made, which nothing takes for an attempt.
  const file = join(instances, `${TEMPORARY_PREFIX}probe-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(instances, { recursive: true, mode: 0o700 });
    try {
      await writeFile(file, 'probe');
    } finally {
      // A full disk still makes the file, and has no room for what is in it.
      await rm(file, { force: true });
    }
    const { bavail, bsize } = await statfs(instances);
    if (bavail * bsize >= MIN_FREE_BYTES) return undefined;
    const free = ((bavail * bsize) / GIB).toFixed(1);
    return notReady(
      'DiskFull',
      `only ${free} GiB are free in ${root}, 2 are needed`,
      'Free space or set local.workDir.',
    );
  } catch (error) {
    const explained = explainFileError(error, `cannot write to ${root}`);
    const message = explained instanceof Error ? explained.message : String(explained);
    const remedy = isBackendError(explained) ? explained.remedy : 'Check local.workDir of the provider.';
    return notReady(isDiskFull(error) ? 'DiskFull' : 'WorkDirUnwritable', message, remedy);
  }
};

/** Runs the trainer for what it can do: it starts, and its packages are there. One that only tells its version is as good. */
const askTrainer = async (options: LocalOptions): Promise<NotReady | { told?: TrainerCapabilities }> => {
  const [command = '', ...rest] = options.trainerCommand;
  const env = trainerEnvironment(
    options.env ?? process.env,
    options.trainerEnv ?? {},
    { id: 'probe', directory: options.root },
    {},
  );
  try {
    await run(options.python, ['-I', '-S', '-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { env });
    const limits = { timeout: COMMAND_TIMEOUT_MS, env };
    const answer = await run(command, [...rest, 'capabilities'], limits).catch(() => undefined);
    if (answer !== undefined) return { told: capabilities.parse(JSON.parse(answer.stdout)) };
    await run(command, [...rest, 'version'], limits);
    return {};
  } catch (error) {
    const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const last = text.split('\n').at(-1) || (error instanceof Error ? error.message : String(error));
    return notReady('TrainerMissing', `the trainer cannot be run with ${command}: ${last}`, INSTALL_TRAINER);
  }
};

const checkMemory = (options: LocalOptions): NotReady | undefined => {
  const wanted = options.resources?.memoryBytes ?? 0;
  const there = totalmem();
  if (wanted <= there) return undefined;
  return notReady(
    'MemoryTooSmall',
    `local.resources.maxMemory is ${(wanted / GIB).toFixed(1)} GiB, the machine has ${(there / GIB).toFixed(1)}`,
    'Lower local.resources.maxMemory.',
  );
};

/** Number of NVIDIA GPUs that the driver lists; on Apple silicon its one GPU. */
const countGpus = async (): Promise<number> => {
  if (process.platform === 'darwin') return process.arch === 'arm64' ? 1 : 0;
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=uuid', '--format=csv,noheader'], { timeout: 20_000 });
    return stdout.split('\n').filter((line) => line.trim() !== '').length;
  } catch {
    return 0; // no driver, no GPU that could be used
  }
};

const checkGpus = async (declared: { name: string; count: number }): Promise<NotReady | undefined> => {
  if (declared.name === 'cpu') return undefined;
  const there = await countGpus();
  if (there >= declared.count) return undefined;
  return notReady(
    'GPUMissing',
    `the provider declares ${declared.count} x ${declared.name}, the machine shows ${there} GPUs`,
    "Install the GPU's driver (nvidia-smi must list it), or set local.gpu to cpu.",
  );
};

/** Can this machine run what the provider declares. Capacity is filled in by the caller. Never throws. */
export const probeMachine = async (options: LocalOptions): Promise<ProbeResult> => {
  const gpu = options.gpu ?? { name: 'cpu', count: 0 };
  const problem = (await checkDisk(options.root)) ?? checkMemory(options) ?? (await checkGpus(gpu));
  if (problem !== undefined) return problem;
  const trainer = await askTrainer(options);
  if ('ready' in trainer) return trainer;
  const gpus = gpu.name === 'cpu' ? [] : [{ gpu: gpu.name, count: gpu.count }];
  const { told } = trainer;
  return { ready: true, capacity: { instances: 0, free: 0 }, gpus, ...(told !== undefined && { trainer: told }) };
};
