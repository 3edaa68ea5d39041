import type { TrainerClient } from '../../trainer/client.ts';
import type { MetricPoint } from '../../trainer/messages.ts';

/** Points kept of a job; older ones go first. */
const KEPT = 4_000;

/** Points asked for at once, and pages read in one look. */
const PAGE = 1_000;
const PAGES = 4;

/** The newest part of a job's curve. `fresh`: it was read in this look, so there may be something new in it. */
export interface Curve {
  readonly points: readonly MetricPoint[];
  readonly fresh: boolean;
}

interface Known {
  readonly points: readonly MetricPoint[];
  readonly next: number;
  readonly readAt: number;
}

/**
 * The curves of running jobs, read from their trainers now and then. They live in this process only: metrics never
 * touch etcd, and after a restart the trainer gives its newest points again.
 */
export class Curves {
  readonly #known = new Map<string, Known>();
  readonly #everyMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Adds what is new since the last look. A trainer that does not answer leaves the curve as it was. */
  async read(uid: string, client: Partial<Pick<TrainerClient, 'metrics'>>, now: number): Promise<Curve | undefined> {
    if (client.metrics === undefined) return undefined;
    let known = this.#known.get(uid) ?? { points: [], next: 0, readAt: Number.NEGATIVE_INFINITY };
    if (now - known.readAt < this.#everyMs) return { points: known.points, fresh: false };
    try {
      for (let page = 0; page < PAGES; page++) {
        const { points, next } = await client.metrics(known.next, PAGE);
        known = { points: appended(known.points, points), next, readAt: now };
        if (points.length < PAGE) break;
      }
    } catch {
      known = { ...known, readAt: now };
    }
    this.#known.set(uid, known);
    return { points: known.points, fresh: true };
  }

  forget(uid: string): void {
    this.#known.delete(uid);
  }
}

/** Steps that are trained again after a loss take the place of those that were lost. */
function appended(before: readonly MetricPoint[], news: readonly MetricPoint[]): readonly MetricPoint[] {
  const kept = [...before];
  for (const point of news) {
    while ((kept.at(-1)?.step ?? -1) > point.step) kept.pop();
    kept.push(point);
  }
  return kept.slice(-KEPT);
}
