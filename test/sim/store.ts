import { createHash } from 'node:crypto';
import type { Clock } from '@kriptik/operator/runtime/clock.ts';
import type { ArtifactRef, CheckpointRef, CheckpointStore, Problem } from '@kriptik/operator/store/store.ts';
import type { CheckpointInfo } from '@kriptik/operator/trainer/messages.ts';
import type { AttemptResult } from '@kriptik/operator/trainer/result.ts';
import type { SimProcess } from './process.ts';

/** Checkpoints a trainer keeps besides the one it resumed from. */
const KEPT = 2;

interface Saved {
  readonly ref: CheckpointRef;
  readonly intact: boolean;
}

/** What the trainers of one job have written; it outlives them and the operator. */
export class SimStore {
  readonly uri: string;
  readonly artifacts: ArtifactRef[] = [];
  readonly results = new Map<string, AttemptResult>();
  #saved: Saved[] = [];
  readonly #clock: Clock;

  constructor(uri: string, clock: Clock) {
    this.uri = uri;
    this.#clock = clock;
  }

  /** Step of the newest checkpoint that can be restored. */
  get restorableStep(): number {
    return Math.max(0, ...this.#saved.filter((one) => one.intact).map((one) => one.ref.step));
  }

  isRestorable(manifestSha256: string): boolean {
    return this.#saved.some((one) => one.intact && one.ref.manifestSha256 === manifestSha256);
  }

  save(
    attempt: string,
    step: number,
    reason: CheckpointInfo['reason'],
    seconds: number,
    intact: boolean,
    keep: string | undefined,
  ): CheckpointInfo {
    const uri = `${this.uri}/checkpoints/step-${String(step).padStart(8, '0')}`;
    const ref: CheckpointRef = { step, uri, attempt, createdAt: this.#time(), ...this.#manifest(attempt, step) };
    const others = this.#saved.filter((one) => one.ref.step !== step);
    const named = others.filter((one) => one.ref.manifestSha256 === keep);
    this.#saved = [...new Set([...named, ...others.slice(-KEPT + 1), { ref, intact }])].sort(
      (a, b) => a.ref.step - b.ref.step,
    );
    return { step, uri, reason, seconds, createdAt: ref.createdAt, ...this.#manifest(attempt, step) };
  }

  publish(attempt: string, step: number, name: string): void {
    const uri = `${this.uri}/artifacts/${name}`;
    const ref = { name, uri, step, attempt, createdAt: this.#time(), ...this.#manifest(attempt, `${step}-${name}`) };
    this.artifacts.splice(0, this.artifacts.length, ...this.artifacts.filter((one) => one.name !== name), ref);
  }

  /** The view of one operator process, whose reads may fail. */
  reader(process: SimProcess): CheckpointStore {
    const read = <T>(verb: string, value: () => T): Promise<T> =>
      process.call({ target: 'store', verb, effect: false }, () => new Error('the store does not answer'), value);
    return {
      uri: this.uri,
      list: () => read('list', () => this.#saved.map((one) => one.ref).toReversed()),
      verify: (ref) =>
        read('verify', () => {
          const artifact = this.artifacts.find((one) => one.manifestSha256 === ref.manifestSha256);
          const checkpoint = this.#saved.find((one) => one.ref.manifestSha256 === ref.manifestSha256);
          if (artifact !== undefined)
            return { ok: true, checkpoint: { ...artifact, verifiedAt: this.#time() } } as const;
          if (checkpoint?.intact === true)
            return { ok: true, checkpoint: { ...checkpoint.ref, verifiedAt: this.#time() } } as const;
          return { ok: false, problem: broken(ref.uri) } as const;
        }),
      latestVerified: () =>
        read('latestVerified', () => {
          const newest = this.#saved.findLast((one) => one.intact);
          const problems = this.#saved
            .filter((one) => !one.intact && one.ref.step > (newest?.ref.step ?? -1))
            .map((one) => broken(one.ref.uri));
          return newest === undefined
            ? { problems }
            : { checkpoint: { ...newest.ref, verifiedAt: this.#time() }, problems };
        }),
      artifacts: () => read('artifacts', () => [...this.artifacts]),
      result: (attempt) => read('result', () => this.results.get(attempt)),
      metrics: () => Promise.resolve([]),
    };
  }

  #manifest(attempt: string, what: string | number): { manifestSha256: string; sizeBytes: number } {
    const manifestSha256 = createHash('sha256').update(`${this.uri}/${attempt}/${what}`).digest('hex');
    return { manifestSha256, sizeBytes: 1_000 };
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}

function broken(where: string): Problem {
  return { code: 'HashMismatch', message: 'the hash of weights.bin differs from the manifest', where };
}
