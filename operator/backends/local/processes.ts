import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { codeOf } from './files.ts';

const run = promisify(execFile);

/** A running process, told from later ones with the same number by `identity`. */
export type Process = { pid: number; identity: string };

/** What the backend needs to know of the machine's processes. */
export type ProcessTable = {
  /** Undefined if no such process runs; a zombie does not run. */
  identity(pid: number): Promise<string | undefined>;
  /** Running processes whose environment holds `variable=value`. */
  marked(variable: string, value: string): Promise<Process[]>;
  /** Running processes of a control group; none where there is no such group. */
  grouped(cgroup: string): Promise<Process[]>;
  /** Signals the process, if it is still the same one. */
  signal(process: Process, signal: NodeJS.Signals): Promise<void>;
};

const gone = (error: unknown): boolean => ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '');

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!gone(error)) throw error;
  }
};

/**
 * Linux: start time in clock ticks since boot, with the boot it belongs to (proc(5), field 22 of stat). Only
 * processes of the same user can be read, and only they can be ours.
 */
export const linuxProcesses = (proc = '/proc'): ProcessTable => {
  const identity = async (pid: number): Promise<string | undefined> => {
    try {
      const stat = await readFile(`${proc}/${pid}/stat`, 'utf8');
      // The name, in parentheses, may hold anything; what follows the last one may not.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state] = fields;
      if (state === 'Z' || state === 'X') return undefined;
      const boot = (await readFile(`${proc}/sys/kernel/random/boot_id`, 'utf8')).trim();
      return `${boot}:${fields[19]}`;
    } catch (error) {
      if (gone(error)) return undefined;
      throw error;
    }
  };
  const holds = async (pid: number, entry: Buffer): Promise<boolean> => {
    try {
      const environment = await readFile(`${proc}/${pid}/environ`);
      const at = environment.indexOf(entry);
      return at === 0 || (at > 0 && environment.includes(Buffer.concat([Buffer.of(0), entry])));
    } catch (error) {
      if (gone(error)) return false;
      throw error;
    }
  };
  return {
    identity,
    async marked(variable, value) {
      const entry = Buffer.from(`${variable}=${value}\0`);
      const found: Process[] = [];
      for (const name of await readdir(proc)) {
        const pid = Number(name);
        if (!Number.isInteger(pid) || !(await holds(pid, entry))) continue;
        const is = await identity(pid);
        if (is !== undefined) found.push({ pid, identity: is });
      }
      return found;
    },
    async grouped(cgroup) {
      const found: Process[] = [];
      for (const line of (await readFile(`${cgroup}/cgroup.procs`, 'utf8').catch(() => '')).split('\n')) {
        const is = line === '' ? undefined : await identity(Number(line));
        if (is !== undefined) found.push({ pid: Number(line), identity: is });
      }
      return found;
    },
    async signal(target, signal) {
      if ((await identity(target.pid)) === target.identity) kill(target.pid, signal);
    },
  };
};

/** macOS: `ps` shows the start to the second, and with -E the environment of one's own processes. */
export const darwinProcesses = (): ProcessTable => {
  const ps = async (args: string[]): Promise<string> => {
    try {
      return (await run('ps', args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
    } catch (error) {
      if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') return error.stdout;
      throw error;
    }
  };
  const identity = async (pid: number): Promise<string | undefined> => {
    const [line = ''] = (await ps(['-o', 'stat=,lstart=', '-p', String(pid)])).split('\n');
    const [, state = 'Z', started = ''] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(line) ?? [];
    return state.startsWith('Z') ? undefined : started;
  };
  return {
    identity,
    async marked(variable, value) {
      const found: Process[] = [];
      for (const line of (await ps(['-axEww', '-o', 'pid=,command='])).split('\n')) {
        const [, pid] = /^\s*(\d+) /.exec(line) ?? [];
        if (pid === undefined || !`${line} `.includes(` ${variable}=${value} `)) continue;
        const is = await identity(Number(pid));
        if (is !== undefined) found.push({ pid: Number(pid), identity: is });
      }
      return found;
    },
    grouped: async () => [],
    async signal(target, signal) {
      if ((await identity(target.pid)) === target.identity) kill(target.pid, signal);
    },
  };
};

export const systemProcesses = (): ProcessTable =>
  process.platform === 'darwin' ? darwinProcesses() : linuxProcesses();
