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

/**
 * The last answer about attempts that simply run. It was read from the API server itself, and is given again for a while
 * unless a change of a pod was heard of; so a thousand jobs that run can be looked at every other second. What waits, ends
 * or was told to end is always read anew. A watch that is silent or late costs seconds of delay and nothing else: only a
 * reading of its own ever says that an attempt has ended.
 */
export class Memory {
  readonly #changes: PodChanges | undefined;
  readonly #now: () => number;
  readonly #known = new Map<string, { instance: Instance; until: number }>();
  /** Readings under way, the newest of each name; one that a change overtook is not kept. */
  readonly #underway = new Map<string, symbol>();

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
      const runs = instance?.state === 'running' && instance.waiting === undefined && instance.endpoint !== undefined;
      if (runs) this.#known.set(name, { instance, until: this.#now() + LONGEST_MS });
      else this.#known.delete(name);
    };
  }

  /** Something was or will be done to it: the next look reads anew. */
  forget(name: string): void {
    this.#known.delete(name);
    this.#underway.delete(name);
  }
}
