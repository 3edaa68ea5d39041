import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import { errorMessage, isAlreadyExists, isNotFound } from './errors.ts';
import { type Logger, redactText } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { TokenBucket } from './ratelimit.ts';
import type { ResourceClient } from './resource.ts';
import type { KubeClient } from './rest.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** `events.k8s.io/v1` Event, as far as it is written here. */
export interface KubeEvent extends KubeObject {
  eventTime: string;
  type: 'Normal' | 'Warning';
  reason: string;
  action: string;
  note: string;
  regarding: {
    apiVersion: string;
    kind: string;
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
  };
  reportingController: string;
  reportingInstance: string;
  series?: { count: number; lastObservedTime: string };
}

export const EVENTS: ResourceType<KubeEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

export interface EventInput {
  readonly type?: 'Normal' | 'Warning';
  /** CamelCase, equal to the reason of the condition it goes with. */
  readonly reason: string;
  readonly note: string;
  /** What the controller was doing, CamelCase. @default the reason */
  readonly action?: string;
}

/** Where reconcilers report what happened to an object. Never throws, never waits. */
export interface EventRecorder {
  event(obj: KubeObject, event: EventInput): void;
}

export interface RecorderOptions {
  readonly client: KubeClient;
  readonly log: Logger;
  /** Name of the reporting controller, such as `example.com/operator`. */
  readonly controller: string;
  readonly instance: string;
  readonly clock: Clock;
  readonly metrics?: RuntimeMetrics | undefined;
  /** Events per object that may come at once; then one each `refillMs`. @default 25 */
  readonly burst?: number;
  /** @default 300000 */
  readonly refillMs?: number;
  /** An equal event within this time raises the count of the first one. @default 360000 */
  readonly seriesMs?: number;
  readonly newId?: () => string;
}

/** The API server refuses longer notes. */
const MAX_NOTE_BYTES = 1024;
/** Objects and series remembered; the oldest are forgotten first. */
const MAX_REMEMBERED = 4096;
/** Events waiting to be written. */
const MAX_PENDING = 1000;

interface Series {
  readonly event: KubeEvent;
  count: number;
  lastAt: number;
  /** The count the API server has. */
  written: number;
  queued: boolean;
}

/** Writes events in the background: equal ones are counted together, and a noisy object cannot flood the server. */
export class ApiEventRecorder implements EventRecorder {
  readonly #options: RecorderOptions;
  readonly #events: ResourceClient<KubeEvent>;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #pending: Series[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#events = options.client.resource(EVENTS);
  }

  event(obj: KubeObject, input: EventInput): void {
    try {
      this.#record(obj, input);
    } catch (error) {
      this.#options.log.warn({ err: errorMessage(error), reason: input.reason }, 'event not recorded');
    }
  }

  /** Resolves when every event recorded so far has been written or given up. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #record(obj: KubeObject, input: EventInput): void {
    const { clock, seriesMs = 360_000 } = this.#options;
    const event = this.#build(obj, input);
    const key = seriesKey(event);
    const known = this.#series.get(key);
    if (known !== undefined && clock.now() - known.lastAt <= seriesMs) {
      known.count += 1;
      known.lastAt = clock.now();
      this.#enqueue(known, obj);
      return;
    }
    const series = { event, count: 1, lastAt: clock.now(), written: 0, queued: false };
    remember(this.#series, key, series);
    this.#enqueue(series, obj);
  }

  #enqueue(series: Series, obj: KubeObject): void {
    if (series.queued) return;
    if (this.#pending.length >= MAX_PENDING || !this.#allowed(obj)) {
      this.#options.metrics?.eventsDropped.inc({ reason: 'rate' });
      return;
    }
    series.queued = true;
    this.#pending.push(series);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  #allowed(obj: KubeObject): boolean {
    const { clock, burst = 25, refillMs = 300_000 } = this.#options;
    const key = obj.metadata.uid ?? `${obj.kind}/${obj.metadata.namespace}/${obj.metadata.name}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket({ qps: 1000 / refillMs, burst, clock });
      remember(this.#buckets, key, bucket);
    }
    return bucket.take();
  }

  async #writeAll(): Promise<void> {
    for (let series = this.#pending.shift(); series !== undefined; series = this.#pending.shift()) {
      series.queued = false;
      try {
        await this.#write(series);
      } catch (error) {
        this.#options.metrics?.eventsDropped.inc({ reason: 'error' });
        this.#options.log.warn({ err: errorMessage(error), reason: series.event.reason }, 'event not written');
      }
    }
  }

  async #write(series: Series): Promise<void> {
    const { event, count } = series;
    if (series.written === 0) {
      try {
        await this.#events.create(event);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      series.written = 1;
      if (count === 1) return;
    }
    const lastObservedTime = microTime(series.lastAt);
    try {
      await this.#events.patch(event.metadata, { series: { count, lastObservedTime } });
      series.written = count;
    } catch (error) {
      // Events expire after an hour by default; a later one of the series starts anew.
      if (!isNotFound(error)) throw error;
      this.#series.delete(seriesKey(event));
    }
  }

  #build(obj: KubeObject, input: EventInput): KubeEvent {
    const { clock, controller, instance, newId = randomUUID } = this.#options;
    const { name, namespace, uid, resourceVersion } = obj.metadata;
    const regarding = { apiVersion: obj.apiVersion, kind: obj.kind, name, namespace, uid, resourceVersion };
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: {
        name: `${name.slice(0, 200)}.${newId().replaceAll('-', '').slice(0, 16)}`,
        namespace: namespace ?? 'default',
      },
      eventTime: microTime(clock.now()),
      type: input.type ?? 'Normal',
      reason: input.reason.slice(0, 128),
      action: (input.action ?? input.reason).slice(0, 128),
      note: truncate(redactText(input.note), MAX_NOTE_BYTES),
      regarding: Object.fromEntries(
        Object.entries(regarding).filter(([, value]) => value !== undefined),
      ) as KubeEvent['regarding'],
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
    };
  }
}

/** `2026-01-02T03:04:05.678000Z`, the API's MicroTime. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** Cuts a text to at most `bytes` bytes of UTF-8 without splitting a character. */
export function truncate(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  const mark = '…';
  let end = bytes - Buffer.byteLength(mark);
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.subarray(0, end).toString() + mark;
}

function seriesKey(event: KubeEvent): string {
  const { regarding, type, reason, action, note } = event;
  const parts = [regarding.kind, regarding.namespace, regarding.name, regarding.uid, type, reason, action, note];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_REMEMBERED) {
    const oldest = map.keys().next();
    if (oldest.done !== true) map.delete(oldest.value);
  }
}
