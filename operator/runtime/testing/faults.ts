import type { KubeObject, WatchEvent } from '../types.ts';

/** How an injected fault shows. */
export type Fault =
  /** The connection is cut without an answer. `afterCommit`: the call was carried out before. */
  | { readonly kind: 'reset'; readonly afterCommit?: boolean }
  /** The server answers so instead of doing its work. */
  | { readonly kind: 'status'; readonly code: number; readonly retryAfter?: string; readonly body?: string }
  /** The request is read and never answered. */
  | { readonly kind: 'blackHole' }
  | { readonly kind: 'delay'; readonly ms: number };

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly watch: boolean;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Rule {
  readonly fault: Fault;
  /** @default every call */
  readonly match?: (call: Call) => boolean;
  /** How many calls it hits. @default 1 */
  readonly times?: number;
}

/** Faults waiting to strike, oldest first. */
export class FaultPlan {
  #rules: { rule: Rule; left: number }[] = [];

  add(rule: Rule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault that strikes this call, if any; it is used up. */
  take(call: Call): Fault | undefined {
    const hit = this.#rules.find(({ rule }) => rule.match?.(call) ?? true);
    if (hit === undefined) return undefined;
    hit.left -= 1;
    if (hit.left <= 0) this.#rules = this.#rules.filter((entry) => entry !== hit);
    return hit.rule.fault;
  }
}

/** Rewrites the events of a watch on their way out; it may drop, repeat, swap or hold back. */
export type StreamFilter = (event: WatchEvent<KubeObject>) => WatchEvent<KubeObject>[];

/** Each event comes twice. */
export const duplicating: StreamFilter = (event) => [event, event];

/** Every second event comes before the one it follows. */
export function swapping(): StreamFilter {
  let held: WatchEvent<KubeObject> | undefined;
  return (event) => {
    if (held === undefined) {
      held = event;
      return [];
    }
    const pair = [event, held];
    held = undefined;
    return pair;
  };
}
