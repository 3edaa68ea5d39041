import type { Clock } from './clock.ts';
import { UnreachableError } from './errors.ts';
import { collectionPath } from './resource.ts';
import type { KubeClient } from './rest.ts';
import { apiErrorFromEvent, unreachable } from './status.ts';
import type { KubeObject, ResourceType, WatchEvent } from './types.ts';

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events after this version; take it from a list or from the last event. */
  readonly resourceVersion: string;
  /** Ends the watch; the generator then returns. */
  readonly signal: AbortSignal;
  /** How long the server keeps the watch open, seconds. @default random in 300..600 */
  readonly timeoutSeconds?: number;
  /** Silence (no event, no bookmark) after which the connection counts as dead, ms. @default the timeout + 30 s */
  readonly idleMs?: number;
  readonly random?: () => number;
  /** Called when the server has accepted the watch. */
  readonly onOpen?: () => void;
}

/**
 * Yields the changes of one kind of object, bookmarks included, until the server ends the watch.
 *
 * @throws ApiError with status 410 when the version is too old (list again), or another refusal.
 * @throws UnreachableError when the connection breaks or falls silent.
 */
export async function* watch<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const random = options.random ?? Math.random;
  const timeoutSeconds = options.timeoutSeconds ?? Math.round(300 + 300 * random());
  const path = collectionPath(type, options.namespace);
  const call = `watch ${path}`;
  const idle = new IdleLimit(client.clock, options.idleMs ?? (timeoutSeconds + 30) * 1000, call);
  const stop = (): void => idle.abort(options.signal.reason);
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    if (options.signal.aborted) return;
    const body = await client.stream(path, {
      query: {
        watch: 1,
        allowWatchBookmarks: true,
        resourceVersion: options.resourceVersion,
        timeoutSeconds,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      },
      signal: idle.signal,
    });
    options.onOpen?.();
    for await (const line of linesOf(body)) {
      idle.touch();
      const event = JSON.parse(line) as WatchEvent<T> | { type: 'ERROR'; object: unknown };
      if (event.type === 'ERROR') throw apiErrorFromEvent(event.object, call);
      yield event;
    }
  } catch (error) {
    if (options.signal.aborted) return;
    if (idle.expired !== undefined) throw idle.expired;
    // Half a line before a cut connection shows as a syntax error; anything from the body is a network failure.
    if (error instanceof SyntaxError) throw new UnreachableError(`${call}: broken event`, 'BROKEN', { cause: error });
    throw isNamed(error) ? error : unreachable(error, call, client.server);
  } finally {
    idle.end();
    options.signal.removeEventListener('abort', stop);
  }
}

const isNamed = (error: unknown): boolean =>
  error instanceof Error && ['ApiError', 'UnreachableError', 'KubeConfigError'].includes(error.name);

/** Aborts when nothing was heard for too long. */
class IdleLimit {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #call: string;
  #heardAt: number;
  #timer: { cancel(): void };
  expired: UnreachableError | undefined;

  constructor(clock: Clock, ms: number, call: string) {
    this.#clock = clock;
    this.#ms = ms;
    this.#call = call;
    this.#heardAt = clock.now();
    this.#timer = clock.setTimer(ms, () => this.#check());
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Only notes the time: arming a timer for each event would cost more than the event. */
  touch(): void {
    this.#heardAt = this.#clock.now();
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Stops the timer and closes the connection if it is still open. */
  end(): void {
    this.#timer.cancel();
    this.#controller.abort(new Error('watch ended'));
  }

  #check(): void {
    const left = this.#heardAt + this.#ms - this.#clock.now();
    if (left > 0) {
      this.#timer = this.#clock.setTimer(left, () => this.#check());
      return;
    }
    this.expired = new UnreachableError(`${this.#call}: silent for ${this.#ms} ms`, 'IDLE');
    this.#controller.abort(this.expired);
  }
}

/** Splits a byte stream at newlines. A last line without one is dropped: it was cut. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = rest.indexOf('\n', from); at >= 0; at = rest.indexOf('\n', from)) {
      if (at > from) yield rest.slice(from, at);
      from = at + 1;
    }
    rest = rest.slice(from);
  }
}
