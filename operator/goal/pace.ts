import type { TrainingGoal, TrainingGoalStatus } from '@kriptik/crds';
import { sameJson } from '../runtime/json.ts';

/** A goal repeats what its job says at most this often, in ms. */
const WORDS_MS = 3_000;

/** Goals whose last write is remembered. */
const REMEMBERED = 10_000;

/**
 * Keeps goals from being rewritten with every word of their jobs. What somebody could act on is written at once: the
 * phase, a condition's verdict, a limit, what a goal refers to.
 */
export class Pace {
  readonly #written = new Map<string, number>();

  /** How long a status has to wait, in ms; 0 where it is to be written now. `now` in epoch ms. */
  waitMs({ metadata, status }: TrainingGoal, next: TrainingGoalStatus, now: number): number {
    const at = this.#written.get(metadata.uid ?? '');
    if (at === undefined || status === undefined || !sameJson(weighty(status), weighty(next))) return 0;
    return sameJson(status, next) ? 0 : Math.max(0, at + WORDS_MS - now);
  }

  wrote({ metadata }: TrainingGoal, now: number): void {
    const uid = metadata.uid ?? '';
    this.#written.delete(uid);
    const [oldest = ''] = this.#written.keys();
    if (this.#written.size >= REMEMBERED) this.#written.delete(oldest);
    this.#written.set(uid, now);
  }
}

/** A status without the words of its conditions and the money spent so far. */
function weighty({ conditions = [], budget, ...rest }: TrainingGoalStatus): object {
  return {
    ...rest,
    limit: budget?.limit,
    verdicts: conditions.map(({ type, status, reason, observedGeneration }) => [
      type,
      status,
      reason,
      observedGeneration,
    ]),
  };
}
