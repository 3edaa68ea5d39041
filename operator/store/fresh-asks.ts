/** Asks for something fresh that follow each other within this time, in ms, may be one question asked repeatedly. */
const ONE_QUESTION_MS = 60_000;
const MAX_REMEMBERED = 4_096;

/**
 * Whether an answer must be newer than the question. A text tells questions apart that follow each other closely, such
 * as whether a checkpoint still holds before an attempt begins and what was saved after it ended; true is one without a
 * name.
 */
export type Fresh = boolean | string;

/**
 * Tells how fresh an answer has to be. What takes long is asked for again and again until it is there; an answer then
 * counts if it was begun after the first of these asks. Another question, or the same after a pause, wants an answer of
 * its own.
 */
export class FreshAsks {
  readonly #now: () => number;
  readonly #asked = new Map<string, { question: Fresh; since: number; last: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes an ask; the time, in ms, from which on an answer to it may have been begun. */
  since(key: string, question: Fresh): number {
    const now = this.#now();
    const before = this.#asked.get(key);
    const same = before?.question === question && now - before.last <= ONE_QUESTION_MS;
    const since = same ? before.since : now;
    this.#asked.delete(key);
    if (this.#asked.size >= MAX_REMEMBERED) this.#asked.delete(this.#asked.keys().next().value ?? '');
    this.#asked.set(key, { question, since, last: now });
    return since;
  }
}
