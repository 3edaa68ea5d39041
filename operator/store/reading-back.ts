import { type Fresh, FreshAsks } from './fresh-asks.ts';
import type { Problem } from './store.ts';

/** How far a reading back has come. */
export type Pending = { doneBytes: number; totalBytes: number };
export type Answer = { verifiedAt: number; problem?: Problem } | { pending: Pending };

export type Question = {
  /** What is read back: its URI and the hash of its manifest. */
  key: string;
  /** Changes whenever any byte of it may have changed. */
  state: string;
  totalBytes: number;
  /** Only what was read after this was first asked counts, see FreshAsks. */
  fresh: Fresh;
  /** Reads everything, telling how many bytes more have been read. Throws where that was not possible. */
  read: (more: (bytes: number) => void) => Promise<Problem | undefined>;
};

const MAX_REMEMBERED = 4_096;

type Task = { done: Promise<true>; progress: Pending };

/**
 * Readings of many gigabytes, each at most once at a time, that nobody has to wait for. Who asks gets the verdict if
 * it comes within their patience, else how far it has come, and asks again later. A verdict holds while the state does.
 */
export class ReadingBack {
  readonly #now: () => number;
  readonly #atOnce: number;
  readonly #tasks = new Map<string, Task>();
  readonly #verdicts = new Map<string, { state: string; begun: number; at: number; problem?: Problem }>();
  readonly #asks: FreshAsks;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: { now?: () => number; atOnce?: number } = {}) {
    this.#now = options.now ?? Date.now;
    this.#atOnce = options.atOnce ?? 2;
    this.#asks = new FreshAsks(this.#now);
  }

  /** The verdict known already, without reading anything. */
  known(question: Pick<Question, 'key' | 'state' | 'fresh'>): Extract<Answer, { verifiedAt: number }> | undefined {
    const since = question.fresh !== false ? this.#asks.since(question.key, question.fresh) : Number.NEGATIVE_INFINITY;
    const verdict = this.#verdicts.get(question.key);
    if (verdict === undefined || verdict.state !== question.state || verdict.begun < since) return undefined;
    return { verifiedAt: verdict.at, ...(verdict.problem === undefined ? {} : { problem: verdict.problem }) };
  }

  /** The verdict, if it is known or comes within `patienceMs`. Throws what the reading throws. */
  async ask(question: Question, patienceMs: number): Promise<Answer> {
    const known = this.known(question);
    if (known !== undefined) return known;
    const id = `${question.key}\n${question.state}`;
    const task = this.#tasks.get(id) ?? this.#start(id, question);
    await within(task.done, patienceMs);
    // A reading that began before the first fresh ask does not answer it.
    return this.known(question) ?? { pending: { ...task.progress } };
  }

  #start(id: string, question: Question): Task {
    const progress = { doneBytes: 0, totalBytes: question.totalBytes };
    const done = this.#read(question, progress).finally(() => this.#tasks.delete(id));
    // Whoever asked may have gone; the next to ask starts anew.
    done.catch(() => undefined);
    const task = { done, progress };
    this.#tasks.set(id, task);
    return task;
  }

  async #read(question: Question, progress: Pending): Promise<true> {
    await this.#turn();
    const begun = this.#now();
    try {
      const problem = await question.read((bytes) => {
        progress.doneBytes += bytes;
      });
      const verdict = problem === undefined ? {} : { problem };
      if (this.#verdicts.size >= MAX_REMEMBERED) this.#verdicts.delete(this.#verdicts.keys().next().value ?? '');
      this.#verdicts.set(question.key, { state: question.state, begun, at: this.#now(), ...verdict });
      return true;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  /** Waits for a place; one that comes free is handed on. */
  async #turn(): Promise<void> {
    if (this.#running < this.#atOnce) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** What a promise gives within some time, else undefined. */
const within = async <T>(promise: Promise<T>, ms: number): Promise<T | undefined> => {
  if (!Number.isFinite(ms)) return promise;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
