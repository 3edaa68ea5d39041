/** Asks for something fresh that follow each other within this time, in ms, are one question asked repeatedly. */
const ONE_QUESTION_MS = 60_000;
const MAX_REMEMBERED = 4_096;

/**
 * Tells how fresh an answer has to be. What takes long is asked for again and again until it is there; an answer then
 * counts if it was begun after the first of these asks. A later question, after a pause, wants an answer of its own.
 */
export class FreshAsks {
  readonly #now: () => number;
  readonly #asked = new Map<string, { since: number; last: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes an ask; the time, in ms, from which on an answer to it may have been begun. */
  since(key: string): number {
    const now = this.#now();
    const before = this.#asked.get(key);
    const since = before !== undefined && now - before.last <= ONE_QUESTION_MS ? before.since : now;
    this.#asked.delete(key);
    if (this.#asked.size >= MAX_REMEMBERED) this.#asked.delete(this.#asked.keys().next().value ?? '');
    this.#asked.set(key, { since, last: now });
    return since;
  }
}
