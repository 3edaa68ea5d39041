import type { Resources } from '../backend.ts';

/** How the local backend is set up. Everything from outside the process is passed in. */
export type LocalOptions = {
  /** Absolute directory that holds `instances/`; created with mode 0700. */
  root: string;
  /** Command line of the trainer before `run --spec <file>`, like [python, '-m', 'kriptik_trainer']. */
  trainerCommand: string[];
  /** Python 3.9 or newer that runs the supervisor (the trainer's own; its standard library is enough). */
  python: string;
  /** Looked up before each probe and launch instead of the two above: a trainer may be installed meanwhile. */
  locateTrainer?: () => Promise<Pick<LocalOptions, 'trainerCommand' | 'python' | 'trainerEnv'>>;
  /** Running attempts allowed at a time. Default 1. */
  maxInstances?: number;
  /** Limits of every attempt; a request may only lower them. */
  resources?: Resources;
  /** What the provider declares: 'cpu' or a GPU of the catalog, and how many. Default cpu. */
  gpu?: { name: string; count: number };
  /** Environment that the trainer's is selected from. Default process.env. */
  env?: Record<string, string | undefined>;
  /** Further variables for the trainer, given as they are. */
  trainerEnv?: Record<string, string>;
  /** Epoch milliseconds. Default Date.now. */
  now?: () => number;
  timing?: Partial<LocalTiming>;
};

/** Durations in milliseconds. */
export type LocalTiming = {
  /** The trainer must listen by then. */
  startTimeout: number;
  /** SIGTERM goes out this long before the hard deadline, SIGKILL so that all is over at the deadline. */
  hardDeadlineGrace: number;
  /** A spawned supervisor that has not claimed its attempt by then gives up. */
  launchWindow: number;
  /** What an attempt without a supervisor gets to save and exit. */
  unsupervisedGrace: number;
  /** A supervisor that is this late with an end that was asked for is taken to hang, and is killed. */
  supervisorGrace: number;
};

export const DEFAULT_TIMING: LocalTiming = {
  startTimeout: 180_000,
  hardDeadlineGrace: 10_000,
  launchWindow: 15_000,
  unsupervisedGrace: 30_000,
  supervisorGrace: 15_000,
};
