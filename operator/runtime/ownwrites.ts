import type { Clock } from './clock.ts';
import type { Cache } from './informer.ts';
import { type KubeObject, keyOf, keyString, type ObjectKey } from './types.ts';
import { isOlder } from './versions.ts';

interface Write {
  readonly uid: string | undefined;
  readonly version: string | undefined;
  readonly at: number;
}

/**
 * Remembers what this process wrote, to tell whether a cache has seen it yet. A reconcile on a cache that lags behind
 * our own writes decides on the past: it may create a child or call a provider a second time.
 */
export class OwnWrites {
  readonly #cache: Pick<Cache, 'get'>;
  readonly #clock: Clock;
  readonly #forgetMs: number;
  readonly #writes = new Map<string, Write>();

  /**
   * @param forgetMs a cache that has not caught up after this time is trusted again, so that a write nobody will ever
   *   see (another wrote or deleted right after) cannot block an object. @default 30000
   */
  constructor(cache: Pick<Cache, 'get'>, clock: Clock, forgetMs = 30_000) {
    this.#cache = cache;
    this.#clock = clock;
    this.#forgetMs = forgetMs;
  }

  /** Notes an object as a write returned it; returns it. */
  note<T extends KubeObject>(obj: T): T {
    const { uid, resourceVersion } = obj.metadata;
    const cached = this.#cache.get(keyOf(obj));
    if (!seen({ uid, version: resourceVersion, at: 0 }, cached)) {
      this.#writes.set(keyString(keyOf(obj)), { uid, version: resourceVersion, at: this.#clock.now() });
    }
    return obj;
  }

  /** Whether the cache is known not to hold our last write of this object yet. */
  isBehind(key: ObjectKey): boolean {
    const text = keyString(key);
    const write = this.#writes.get(text);
    if (write === undefined) return false;
    const expired = this.#clock.now() - write.at > this.#forgetMs;
    if (!expired && !seen(write, this.#cache.get(key))) return true;
    this.#writes.delete(text);
    return false;
  }
}

/** A cached object of the same uid that is not older has seen the write; another uid is a successor, so later. */
function seen(write: Write, cached: KubeObject | undefined): boolean {
  if (cached === undefined) return false;
  const { uid, resourceVersion } = cached.metadata;
  return uid !== write.uid || !isOlder(resourceVersion, write.version);
}
