import type { Instance } from '../backend.ts';
import { LABEL } from './names.ts';
import type { Pod } from './objects.ts';

/** Where changes of pods are heard of; `hasSynced` is false as long as nothing is. */
export type PodChanges = {
  readonly hasSynced: boolean;
  onEvent(handlers: {
    add?: (pod: Pod) => void;
    update?: (old: Pod, pod: Pod) => void;
    delete?: (pod: Pod) => void;
  }): () => void;
};

/** An answer is not repeated for longer than this, in ms, whether or not a change was heard of. */
const LONGEST_MS = 30_000;

/** Between two readings of any of the attempts, in ms: seven a second of all together, however many there are. */
const SPACING_MS = 150;

/** With many attempts an answer is repeated for longer, but never than this, in ms: watches begin anew as often. */
const MOST_MS = 300_000;

/** The same of what waits: some of its reasons stand in events, which nobody listens to. */
const WAITING_MS = 10_000;

/** Names of attempts of which nothing is left that are remembered; the oldest are read again. */
const REMEMBERED = 10_000;

/** A request to end is not repeated for so long, in ms. */
const ASKED_MS = 2_000;

/**
 * The last answer about each attempt. It was read from the API server itself, and is given again for a while unless a
 * change of a pod was heard of; so a thousand jobs can be looked at every other second. A watch that is silent or late
 * costs seconds of delay and nothing else: only a reading of its own ever says that an attempt has ended, which is for
 * good.
 */
export class Memory {
  readonly #changes: PodChanges | undefined;
  readonly #now: () => number;
  readonly #known = new Map<string, { instance: Instance; until: number }>();
  /** Readings under way, the newest of each name; one that a change overtook is not kept. */
  readonly #underway = new Map<string, symbol>();
  readonly #gone = new Set<string>();
  readonly #asked = new Map<string, { graceMs: number; until: number }>();

  constructor(changes: PodChanges | undefined, now: () => number) {
    this.#changes = changes;
    this.#now = now;
    const forget = (pod: Pod): void => this.forget(pod.metadata.labels?.[LABEL.attempt] ?? '');
    changes?.onEvent({ add: forget, update: (_, pod) => forget(pod), delete: forget });
  }

  /** What is known of a name; undefined where it has to be read. */
  recall(name: string): Instance | undefined {
    const known = this.#known.get(name);
    if (known === undefined || known.until <= this.#now() || this.#changes?.hasSynced !== true) return undefined;
    return known.instance;
  }

  /** Call before a reading; keeps what it gives, unless something changed meanwhile. */
  reading(name: string): (instance: Instance | undefined) => void {
    const mine = Symbol(name);
    this.#underway.set(name, mine);
    return (instance) => {
      if (this.#underway.get(name) !== mine) return;
      this.#underway.delete(name);
      const ms = instance === undefined ? 0 : lasts(instance, Math.min(MOST_MS, this.#known.size * SPACING_MS));
      if (instance !== undefined && ms > 0) this.#known.set(name, { instance, until: this.#now() + ms });
      else this.#known.delete(name);
    };
  }

  /** Something was or will be done to it: the next look reads anew. */
  forget(name: string): void {
    this.#known.delete(name);
    this.#underway.delete(name);
  }

  /** Its end was asked for, with such a grace: until then nothing new comes of asking again. */
  asked(name: string, graceMs: number): void {
    this.#asked.set(name, { graceMs, until: this.#now() + ASKED_MS });
  }

  /** Whether its end was asked for a moment ago, with no longer a grace. */
  wasAsked(name: string, graceMs: number): boolean {
    const asked = this.#asked.get(name);
    return asked !== undefined && asked.graceMs <= graceMs && asked.until > this.#now();
  }

  /** It ended and was let go of: nothing can ever be under its name again. */
  gone(name: string): void {
    this.forget(name);
    this.#asked.delete(name);
    const [oldest = ''] = this.#gone;
    if (this.#gone.size >= REMEMBERED) this.#gone.delete(oldest);
    this.#gone.add(name);
  }

  isGone(name: string): boolean {
    return this.#gone.has(name);
  }
}

/** For how long an answer holds, in ms, of so many that are read in `turnMs`. Of a node that is lost nothing is heard. */
const lasts = ({ state, waiting, endpoint }: Instance, turnMs: number): number => {
  if (waiting?.reason === 'NodeLost') return 0;
  if (state === 'running' && endpoint === undefined) return 0;
  return state === 'running' && waiting === undefined ? Math.max(LONGEST_MS, turnMs) : WAITING_MS;
};
