/** How a program is run, where that is not as usual. */
export interface Surroundings {
  /** Default: the run directory. */
  readonly cwd?: string;
  /** The whole environment. Default: that of the supervisor. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What asks the program to end. Default: SIGTERM. */
  readonly endSignal?: 'SIGTERM' | 'SIGINT';
}

/** What the supervisor is told, one JSON text a line on its standard input. */
export type Command =
  | ({ op: 'start'; name: string; file: string; args: readonly string[]; log: string } & Surroundings)
  /**
   * Takes a process that a program of ours started for one of ours, so that it is recorded, ended (by SIGKILL) and
   * waited for as they are.
   */
  | { op: 'adopt'; name: string; pid: number }
  /** Ends the programs, every one if none are named, by SIGKILL; the supervisor stays and says `idle` when they are gone. */
  | { op: 'end'; names?: readonly string[] }
  /** Ends every program and then the supervisor; each gets `graceMs` between SIGTERM and SIGKILL (0: SIGKILL at once). */
  | { op: 'stop'; graceMs: number; remove: boolean };

/** What the supervisor tells, one JSON text a line on its standard output. */
export type Notice =
  | { event: 'started'; name: string; pid: number }
  | { event: 'exited'; name: string; detail: string }
  | { event: 'idle' };

/** In a run directory: records of the programs that run. */
export const PROCESSES_FILE = 'processes.json';
/** In a run directory: the lock of the process that owns it. */
export const OWNER_FILE = 'owner.json';
