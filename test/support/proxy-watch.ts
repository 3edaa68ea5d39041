import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';

/** One line of a watch. */
export interface ProxyEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name?: string; readonly resourceVersion?: string };
    readonly status?: { readonly phase?: string };
  };
}

/** What comes out for an event that came in: nothing, itself, itself twice, an older one with it. */
export type WatchFilter = (event: ProxyEvent) => readonly ProxyEvent[];

/** Each event comes twice. */
export const duplicated: WatchFilter = (event) => [event, event];

/** Loses the first event of which `match` holds: whoever watches sees the state after the next only. */
export function droppedOnce(match: (event: ProxyEvent) => boolean): WatchFilter {
  let lost = false;
  return (event) => {
    if (lost || !match(event)) return [event];
    lost = true;
    return [];
  };
}

/** Once, an event of which `match` holds comes after the one that follows it. */
export function swappedOnce(match: (event: ProxyEvent) => boolean): WatchFilter {
  let held: ProxyEvent | undefined;
  let done = false;
  return (event) => {
    if (held !== undefined) {
      const pair = [event, held];
      held = undefined;
      done = true;
      return pair;
    }
    if (done || !match(event)) return [event];
    held = event;
    return [];
  };
}

/** One watch that passes through: taken apart into events, filtered, put together again. */
export class WatchStream {
  readonly resource: string;
  readonly #response: ServerResponse;
  readonly #filter: WatchFilter;
  #rest = '';

  constructor(resource: string, response: ServerResponse, upstream: ClientRequest, filter: WatchFilter) {
    this.resource = resource;
    this.#response = response;
    this.#filter = filter;
    upstream.on('response', (incoming) => this.#open(incoming));
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    response.on('error', () => {});
  }

  /** Ends it as a server does whose time for it is over. */
  end(): void {
    this.#response.end();
  }

  whenEnded(run: () => void): void {
    this.#response.once('close', run);
  }

  #open(incoming: IncomingMessage): void {
    const type = incoming.headers['content-type'] ?? 'application/json';
    this.#response.writeHead(incoming.statusCode ?? 502, { 'content-type': type });
    this.#response.flushHeaders();
    if (incoming.statusCode !== 200) {
      incoming.pipe(this.#response);
      return;
    }
    incoming.setEncoding('utf8');
    incoming.on('data', (text: string) => this.#take(text));
    incoming.on('end', () => this.#response.end());
    incoming.on('error', () => this.#response.destroy());
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines.filter((one) => one !== '')) {
      for (const event of this.#filter(JSON.parse(line) as ProxyEvent)) {
        if (!this.#response.writableEnded) this.#response.write(`${JSON.stringify(event)}\n`);
      }
    }
  }
}
