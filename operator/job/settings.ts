/** Times and counts of the job controller; durations in ms. Tests and the demo pass their own. */
export interface JobSettings {
  /** Between two looks at a running trainer. */
  readonly pollMs: number;
  /** Between two looks at an attempt that is to stop. */
  readonly stopPollMs: number;
  /** How late looks have come lately, on top of `pollMs`: a freeze may begin that much after its line. */
  readonly lateMs: number;
  /** Progress in status is rewritten at most this often: high-rate metrics never touch etcd. */
  readonly progressMs: number;
  /** Assumed for a checkpoint until one was measured. */
  readonly assumedCheckpointMs: number;
  /** From the create call to the first step, assumed when asking whether another attempt is worth its money. */
  readonly assumedStartMs: number;
  /** From the end of the trainer to verified absence. */
  readonly teardownMs: number;
  /** An instance that does not answer for this long while it should is treated as hung. */
  readonly unreachableMs: number;
  /** A trainer that answers but makes no step for this long, and for `stuckFactor` times the usual, is replaced. */
  readonly stuckFloorMs: number;
  readonly stuckFactor: number;
  /** Time for the program and the model to load before the trainer answers for the first time. */
  readonly startupMs: number;
  /** Time to save on pause, suspension or supersession, where no money forces a shorter one. */
  readonly pauseMs: number;
  /** Between SIGTERM and SIGKILL, and their like. */
  readonly killGraceMs: number;
  /** Attempts in a row that may be lost without a single step forward. */
  readonly maxLost: number;
  /** First wait before a lost attempt is replaced; doubles each time. */
  readonly retryMs: number;
  /** Between two looks at a run's losses. */
  readonly diagnoseMs: number;
  /** Between two looks when something outside must change first. */
  readonly waitMs: number;
  /** The longest such wait, where it doubles from try to try. */
  readonly maxWaitMs: number;
  /** How long an attempt may wait for hardware or its image, where its provider does not say. */
  readonly capacityTimeoutMs: number;
  /** After this long people are told what keeps a deleted job from going. */
  readonly deletionPatienceMs: number;
  /** Attempts in a row that eviction, preemption or the loss of a node may end without a single step forward. */
  readonly maxInterrupted: number;
}

export const defaultJobSettings: JobSettings = {
  pollMs: 2_000,
  stopPollMs: 500,
  lateMs: 0,
  progressMs: 5_000,
  assumedCheckpointMs: 10_000,
  assumedStartMs: 20_000,
  teardownMs: 4_000,
  unreachableMs: 60_000,
  stuckFloorMs: 600_000,
  stuckFactor: 30,
  startupMs: 600_000,
  pauseMs: 120_000,
  killGraceMs: 5_000,
  maxLost: 3,
  retryMs: 2_000,
  diagnoseMs: 15_000,
  waitMs: 15_000,
  maxWaitMs: 300_000,
  capacityTimeoutMs: 600_000,
  deletionPatienceMs: 120_000,
  maxInterrupted: 20,
};

/** Between two writes of progress by any of the jobs that run, in ms: 25 a second, and as many of their goals. */
const PROGRESS_SPACING_MS = 40;

/** Between two looks at any of the jobs that run, in ms: 100 a second. Their freezes are looked at in time besides. */
const POLL_SPACING_MS = 10;

/** Between two looks at any of the attempts that stop, in ms: that one has ended is heard of besides. */
const STOP_SPACING_MS = 5;

/**
 * The settings where so many jobs run and looks come so late, in ms: each job is then looked at and written down less
 * often, so that all together stay bearable, and keeps back the money for a freeze that begins later.
 */
export function settingsFor(settings: JobSettings, running: number, lateMs = 0): JobSettings {
  return {
    ...settings,
    pollMs: Math.max(settings.pollMs, running * POLL_SPACING_MS),
    stopPollMs: Math.max(settings.stopPollMs, running * STOP_SPACING_MS),
    progressMs: Math.max(settings.progressMs, running * PROGRESS_SPACING_MS),
    lateMs: Math.max(settings.lateMs, lateMs),
  };
}
