import type { TrainingGoal } from '@kriptik/crds';
import { inputHash } from '../intent/hash.ts';
import type { GoalReading } from '../intent/parse.ts';
import type { Clock } from '../runtime/clock.ts';

/** Caches lag behind what was written by far less than this, in ms. */
const KEPT_MS = 60_000;
/** Goals remembered at most. */
const MOST = 1_000;

interface Kept {
  readonly inputHash: string;
  readonly reading: GoalReading;
  readonly at: number;
}

/**
 * Readings of the last minute. A reconcile that comes before the caches show what an earlier one wrote, or after a
 * write that was refused, gets the same answer without asking again.
 */
export class ReadingMemory {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  keep(goal: TrainingGoal, reading: GoalReading): void {
    this.#forgetOld();
    this.#kept.set(goal.metadata.uid, { inputHash: inputHash(goal.spec), reading, at: this.#clock.now() });
  }

  /** The reading of the goal exactly as it is written. */
  recall(goal: TrainingGoal): GoalReading | undefined {
    this.#forgetOld();
    const kept = this.#kept.get(goal.metadata.uid);
    return kept?.inputHash === inputHash(goal.spec) ? kept.reading : undefined;
  }

  /** Once the answer shows in the caches; what is asked for after that is a new reading. */
  forget(goal: TrainingGoal): void {
    this.#kept.delete(goal.metadata.uid);
  }

  #forgetOld(): void {
    const now = this.#clock.now();
    for (const [uid, { at }] of this.#kept) {
      if (now - at >= KEPT_MS || this.#kept.size >= MOST) this.#kept.delete(uid);
    }
  }
}
