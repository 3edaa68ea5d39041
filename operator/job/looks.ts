/** Looks later than this, ms, tell of an operator that stood still, not of one that has much to do. */
const MOST_MS = 30_000;

/** What was late so long ago, ms, counts no more; kept in spans of a twelfth of that. */
const WINDOW_MS = 120_000;
const SPAN_MS = WINDOW_MS / 12;

/** Less than this, ms, is no lateness: the interval of looks allows for it. */
const LEAST_MS = 500;

/** What one freeze holds up those after it, ms: writing it down, asking its trainer, reading and removing what is left. */
const FREEZE_MS = 25;

/** Freezes that begin within so long before one's own, ms, may still be under way. */
const CROWD_MS = 30_000;

interface Look {
  /** Epoch ms at which the next one is due. */
  readonly dueAt: number;
  /** Epoch ms at which the job's money for an orderly freeze runs out. */
  readonly freezeAt: number;
}

/**
 * How late a freeze may begin in this process: what looks at running jobs were late by, and how many freezes are due
 * before. Kept in memory: a new process has seen no delay yet, and measures its own.
 */
export class Looks {
  readonly #due = new Map<string, Look>();
  /** The worst lateness by number of its span. */
  readonly #worst = new Map<number, number>();

  /** A look at a running job is over: what it decided is written and carried out. `now` and its next times in epoch ms. */
  over(uid: string, now: number, next: Look | undefined): void {
    const due = this.#due.get(uid);
    if (due !== undefined && now > due.dueAt) this.#note(Math.min(MOST_MS, now - due.dueAt), now);
    if (next === undefined) this.#due.delete(uid);
    else this.#due.set(uid, next);
  }

  /** By how much a freeze of this job may come late, in ms: whole seconds, so that small changes change nothing. */
  lateness(uid: string, now: number): number {
    const measured = this.#measured(now);
    const late = Math.max(measured < LEAST_MS ? 0 : measured, this.#ahead(uid) * FREEZE_MS);
    return late < LEAST_MS ? 0 : Math.ceil(late / 1_000) * 1_000;
  }

  #note(lateMs: number, now: number): void {
    const span = Math.floor(now / SPAN_MS);
    this.#worst.set(span, Math.max(this.#worst.get(span) ?? 0, lateMs));
    for (const known of this.#worst.keys()) if (known <= span - WINDOW_MS / SPAN_MS) this.#worst.delete(known);
  }

  #measured(now: number): number {
    const oldest = Math.floor(now / SPAN_MS) - WINDOW_MS / SPAN_MS;
    let worst = 0;
    for (const [span, late] of this.#worst) if (span > oldest) worst = Math.max(worst, late);
    return worst;
  }

  /** Freezes due in the time before this job's own, which may still be under way then. */
  #ahead(uid: string): number {
    const own = this.#due.get(uid)?.freezeAt;
    if (own === undefined || !Number.isFinite(own)) return 0;
    let ahead = 0;
    for (const { freezeAt } of this.#due.values()) if (freezeAt <= own && freezeAt > own - CROWD_MS) ahead += 1;
    return ahead - 1;
  }
}
