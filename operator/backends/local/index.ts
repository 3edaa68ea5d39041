import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { trainerSpec } from '../../trainer/spec.ts';
import type {
  Backend,
  Instance,
  LaunchRequest,
  LogOptions,
  MovesHardDeadline,
  RecoversToken,
  StreamsLogs,
} from '../backend.ts';
import { misconfigured, noCapacity, outcomeUnknown } from '../errors.ts';
import { codeOf, explainFileError, readRecord, writeRecord } from './files.ts';
import { prepare, startSupervisor } from './launch.ts';
import { instancesDirectory, layoutOf, MARK_DIRECTORY, TEMPORARY_PREFIX } from './layout.ts';
import { readLines } from './logs.ts';
import { type Observer, observe, replaceHangingSupervisor, requestStop } from './observe.ts';
import { DEFAULT_TIMING, type LocalOptions } from './options.ts';
import { probeMachine } from './probe.ts';
import { type ProcessTable, systemProcesses } from './processes.ts';
import { claimRecord, launchRecord, releasedRecord } from './records.ts';

const KEEP_RELEASED_MS = 7 * 24 * 3_600_000;

export type LocalBackend = Backend & StreamsLogs & RecoversToken & MovesHardDeadline;

/**
 * Runs attempts as supervised processes of this machine. All state is in `<root>/instances/<name>/`, so any
 * operator that is given the same root knows every attempt, whoever started it and whether or not it still lives.
 * `processes` is for tests.
 */
export const createLocalBackend = (
  options: LocalOptions,
  processes: ProcessTable = systemProcesses(),
): LocalBackend => {
  const { root } = options;
  const now = options.now ?? Date.now;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const settled = async () => ({ ...options, ...(await options.locateTrainer?.()), now, timing });
  const observer: Observer = { processes, now, unsupervisedGrace: timing.unsupervisedGrace };
  const maxInstances = options.maxInstances ?? 1;
  const instances = instancesDirectory(root);

  const find = async (name: string): Promise<Instance | undefined> => {
    const layout = layoutOf(root, name);
    const verdict = await observe(layout, observer);
    if (verdict.is !== 'absent') return verdict.instance;
    if ((await readRecord(layout.launch, launchRecord)) !== undefined) return undefined;
    // The directory is gone, as by hand. Its processes, if any, still name it.
    const strays = await processes.marked(MARK_DIRECTORY, layout.directory);
    const job = { namespace: '', name: '', uid: '' };
    return strays.length === 0 ? undefined : { name, id: layout.directory, job, state: 'starting' };
  };

  const names = async (): Promise<string[]> => {
    try {
      return (await readdir(instances)).filter((name) => !name.startsWith(TEMPORARY_PREFIX));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw explainFileError(error, `cannot read ${instances}`);
    }
  };

  const list = async (): Promise<Instance[]> => {
    const found: Instance[] = [];
    for (const name of await names()) {
      const instance = await find(name);
      if (instance !== undefined) found.push(instance);
    }
    return found;
  };

  const launchOne = async (request: LaunchRequest): Promise<Instance> => {
    const layout = layoutOf(root, request.name);
    const existing = await observe(layout, observer);
    if (existing.is !== 'absent') {
      // Starting without a claim: a launch under way, perhaps by an operator that died. Racing it is harmless.
      if (existing.instance.state !== 'starting' || existing.instance.startedAt !== undefined) return existing.instance;
    } else if ((await readRecord(layout.released, releasedRecord)) !== undefined) {
      throw misconfigured(`attempt ${request.name} has ended and was released`, 'Start a new attempt instead.');
    }
    const running = (await list()).filter((other) => other.state !== 'exited' && other.name !== request.name);
    if (running.length >= maxInstances) {
      throw noCapacity(
        `this machine runs ${running.length} of ${maxInstances} attempts: ${running.map((one) => one.name).join(', ')}`,
        'Wait for one to end, or raise limits.maxInstances of the provider.',
      );
    }
    const current = await settled();
    await prepare(layout, request, current);
    await startSupervisor(layout, current);
    const instance = await find(request.name);
    if (instance === undefined) throw outcomeUnknown(`attempt ${request.name} was started but cannot be found`);
    return instance;
  };

  // One after another: two launches at once could both see the last free place.
  let launching: Promise<unknown> = Promise.resolve();
  const launch = (request: LaunchRequest): Promise<Instance> => {
    const spec = trainerSpec.safeParse(request.spec);
    if (!spec.success) {
      const [issue] = spec.error.issues;
      const where = issue?.path.join('.') ?? '';
      return Promise.reject(misconfigured(`the trainer's spec is not valid: ${where}: ${issue?.message}`, ''));
    }
    const mine = launching.then(() => launchOne(request));
    launching = mine.catch(() => undefined);
    return mine;
  };

  return {
    type: 'local',
    find,
    list,
    launch,

    async probe() {
      const machine = await probeMachine(await settled());
      if (!machine.ready) return machine;
      try {
        const running = (await list()).filter((one) => one.state !== 'exited').length;
        return { ...machine, capacity: { instances: maxInstances, free: Math.max(0, maxInstances - running) } };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { ready: false, reason: 'StateUnreadable', message, remedy: `Look into ${instances}.` };
      }
    },

    async terminate(name, { graceMs }) {
      const layout = layoutOf(root, name);
      const verdict = await observe(layout, observer);
      if (verdict.is === 'absent') {
        // No records, so nothing to wait for: what is left has nobody to report to.
        for (const stray of await processes.marked(MARK_DIRECTORY, layout.directory)) {
          await processes.signal(stray, 'SIGKILL');
        }
        if ((await readRecord(layout.launch, launchRecord)) === undefined) return;
        if ((await readRecord(layout.released, releasedRecord)) !== undefined) return;
      }
      if (verdict.is === 'known' && verdict.instance.state === 'exited') return;
      if (verdict.is === 'lost') return;
      await requestStop(layout, now(), now() + graceMs);
      if (verdict.is === 'unsupervised') await observe(layout, observer);
      else await replaceHangingSupervisor(layout, observer, timing.supervisorGrace);
    },

    async release(name) {
      const layout = layoutOf(root, name);
      const instance = await find(name);
      if (instance === undefined) return;
      if (instance.state !== 'exited') {
        throw misconfigured(`attempt ${name} is ${instance.state}`, 'Terminate it first.');
      }
      const claim = await readRecord(layout.claim, claimRecord);
      if (claim?.cgroup !== undefined) await rmdir(claim.cgroup).catch(() => undefined);
      await rm(layout.token, { force: true });
      await rm(layout.spec, { force: true });
      await rm(layout.olderLog, { force: true });
      await writeRecord(layout.released, { at: now() });
      for (const other of await names()) {
        const old = layoutOf(root, other);
        const released = await readRecord(old.released, releasedRecord);
        if (released !== undefined && now() - released.at > KEEP_RELEASED_MS) {
          await rm(old.directory, { recursive: true, force: true });
        }
      }
    },

    async token(name) {
      try {
        return await readFile(layoutOf(root, name).token, 'utf8');
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },

    async setHardDeadline(name, at) {
      const layout = layoutOf(root, name);
      if ((await find(name)) === undefined) return;
      await writeRecord(layout.deadline, { at: at ?? null });
    },

    logs(name: string, logOptions: LogOptions) {
      const ended = async (): Promise<boolean> => {
        const instance = await find(name);
        return instance === undefined || instance.state === 'exited';
      };
      return readLines(layoutOf(root, name).log, logOptions, ended);
    },
  };
};
