import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command, Notice, Surroundings } from './protocol.ts';

/** Programs that cannot outlive this process: a supervisor holds a pipe to us and ends them when it closes. */
export interface Supervised {
  /** Starts a program, its output going to `logs/NAME.log` in the run directory. Resolves once it has a pid. */
  start(name: string, file: string, args: readonly string[], surroundings?: Surroundings): Promise<number>;
  /** Takes a process that one of the programs started for a program of that name: it ends as they do. */
  adopt(name: string, pid: number): Promise<void>;
  /** Rejects when the named program ends other than by `stop`; never resolves. Its message holds the tail of the program's log. */
  whenEnded(name: string): Promise<never>;
  /** Ends the named programs, or every one, at once; they or others may be started afterwards. */
  endPrograms(names?: readonly string[]): Promise<void>;
  /** Ends every program, then the supervisor; removes the run directory if asked. */
  stop(how: { graceMs: number; remove: boolean }): Promise<void>;
  logPath(name: string): string;
}

/** A program of the control plane ended by itself. */
export class ProgramEnded extends Error {
  override readonly name = 'ProgramEnded';
  readonly log: string;
  /** E.g. `exit code 1`, `signal SIGKILL`. */
  readonly detail: string;
  constructor(program: string, detail: string, logPath: string) {
    const log = tail(logPath, 15);
    super(`${program} ended (${detail}). The end of its log, ${logPath}:\n${log}`);
    this.log = log;
    this.detail = detail;
  }
}

/** Starts the supervisor of a run directory, which must hold a folder `logs`. */
export function supervise(runDirectory: string, options: { removeWhenOrphaned: boolean }): Supervised {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'supervisor.ts'), runDirectory, options.removeWhenOrphaned ? 'remove' : 'keep'],
    // A session of its own: Ctrl-C in the terminal reaches us alone, so that we end the programs in order.
    { detached: true, stdio: ['pipe', 'pipe', 'inherit'], env: supervisorEnvironment() },
  );
  const ended = new Map<string, string>();
  const pids = new Map<string, number>();
  /** Ended because we asked for it: no failure until they are started again. */
  const dismissed = new Set<string>();
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  let gone: string | undefined;
  let idle = false;
  let stopping = false;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const notice = JSON.parse(line) as Notice;
    if (notice.event === 'started') pids.set(notice.name, notice.pid);
    else if (notice.event === 'exited') ended.set(notice.name, notice.detail);
    else idle = true;
    wake();
  });
  const exit = new Promise<void>((resolve) => {
    const end = (why: string) => {
      gone = why;
      wake();
      resolve();
    };
    child.on('exit', () => end('its supervisor ended'));
    child.on('error', (error) => end(`its supervisor could not be started: ${error.message}`));
  });
  // A supervisor that is gone shows as `gone`; the broken pipe itself says nothing more.
  child.stdin.on('error', () => {});
  const send = (command: Command) => child.stdin.write(`${JSON.stringify(command)}\n`);
  const logPath = (name: string) => join(runDirectory, 'logs', `${name}.log`);

  /** Resolves with the first defined value of `probe`, asked again after each notice. */
  const until = <T>(probe: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const check = () => {
        try {
          const value = probe();
          if (value === undefined) return;
          waiting.delete(check);
          resolve(value);
        } catch (error) {
          waiting.delete(check);
          reject(error);
        }
      };
      waiting.add(check);
      check();
    });
  const failIfEnded = (name: string) => {
    if (dismissed.has(name) && gone === undefined) return;
    const detail = ended.get(name) ?? gone;
    if (detail !== undefined && !stopping) throw new ProgramEnded(name, detail, logPath(name));
  };

  return {
    logPath,
    async start(name, file, args, surroundings = {}) {
      dismissed.delete(name);
      ended.delete(name);
      pids.delete(name);
      send({ op: 'start', name, file, args, log: logPath(name), ...surroundings });
      return until(() => {
        const pid = pids.get(name);
        if (pid === undefined) failIfEnded(name);
        return pid;
      });
    },
    async adopt(name, pid) {
      dismissed.delete(name);
      ended.delete(name);
      pids.delete(name);
      send({ op: 'adopt', name, pid });
      await until(() => {
        if (!pids.has(name)) failIfEnded(name);
        return pids.get(name);
      });
    },
    whenEnded: (name) =>
      until<never>(() => {
        failIfEnded(name);
        return undefined;
      }),
    async endPrograms(names) {
      idle = false;
      for (const name of names ?? []) dismissed.add(name);
      send({ op: 'end', ...(names && { names }) });
      await until(() => (idle || gone !== undefined ? true : undefined));
    },
    async stop(how) {
      stopping = true;
      if (gone === undefined) send({ op: 'stop', ...how });
      await exit;
    },
  };
}

/** The last lines of a log, or a note that it is empty or missing. */
function tail(path: string, lines: number): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') || '(empty)';
  } catch {
    return '(no log)';
  }
}

/** Options meant for this process (a test runner's loaders, an inspector port) must not reach the supervisor. */
function supervisorEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return env;
}
