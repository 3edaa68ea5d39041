import { createHash } from 'node:crypto';
import type { Clock } from '@kriptik/operator/runtime/clock.ts';
import { StoreError } from '@kriptik/operator/store/errors.ts';
import type { ArtifactRef, CheckpointRef, CheckpointStore, Problem } from '@kriptik/operator/store/store.ts';
import type { CheckpointInfo } from '@kriptik/operator/trainer/messages.ts';
import type { AttemptResult } from '@kriptik/operator/trainer/result.ts';
import type { SimProcess } from './process.ts';

/** Checkpoints a trainer keeps besides the one it resumed from. */
const KEPT = 2;

/** Of a checkpoint, and of a result. */
const SIZE_BYTES = 2 ** 30;

interface Saved {
  readonly ref: CheckpointRef;
  readonly problem: Problem['code'] | undefined;
}

/** What is wrong with the way to the store, in words; undefined while nothing is. */
export type StoreTrouble = () => 'gone' | 'forbidden' | undefined;

/** What the trainers of one job have written; it outlives them and the operator. */
export class SimStore {
  readonly uri: string;
  readonly artifacts: ArtifactRef[] = [];
  readonly results = new Map<string, AttemptResult>();
  #saved: Saved[] = [];
  #damagedAt: number | undefined;
  /** How much it held from when on. */
  readonly #weights: { readonly at: number; readonly bytes: number }[] = [];
  readonly #clock: Clock;
  readonly #trouble: StoreTrouble;

  constructor(uri: string, clock: Clock, trouble: StoreTrouble = () => undefined) {
    this.uri = uri;
    this.#clock = clock;
    this.#trouble = trouble;
  }

  /** Whether nothing can be written now. */
  get gone(): boolean {
    return this.#trouble() !== undefined;
  }

  /** Whether something was damaged after it had been saved, at this time (epoch ms) or later. */
  damagedSince(time: number): boolean {
    return this.#damagedAt !== undefined && this.#damagedAt >= time;
  }

  /** Damages the newest checkpoint that is whole; true when there was one. */
  damage(problem: Problem['code']): boolean {
    const newest = this.#saved.findLast((one) => one.problem === undefined);
    if (newest === undefined) return false;
    this.#saved = this.#saved.map((one) => (one === newest ? { ...one, problem } : one));
    this.#damagedAt = this.#clock.now();
    return true;
  }

  /** Step of the newest checkpoint that can be restored. */
  get restorableStep(): number {
    return Math.max(0, ...this.#saved.filter((one) => one.problem === undefined).map((one) => one.ref.step));
  }

  isRestorable(manifestSha256: string): boolean {
    return this.#saved.some((one) => one.problem === undefined && one.ref.manifestSha256 === manifestSha256);
  }

  save(
    attempt: string,
    step: number,
    reason: CheckpointInfo['reason'],
    seconds: number,
    intact: boolean,
    keep: string | undefined,
  ): CheckpointInfo {
    const manifest = this.#manifest(attempt, step);
    const uri = `${this.uri}/checkpoints/step-${String(step).padStart(8, '0')}.${manifest.manifestSha256.slice(0, 8)}`;
    const ref: CheckpointRef = { step, uri, attempt, createdAt: this.#time(), ...manifest };
    const saved = { ref, problem: intact ? undefined : ('HashMismatch' as const) };
    const others = this.#saved.filter((one) => one.ref.uri !== uri);
    const needed = others.filter((one) => one.ref.manifestSha256 === keep);
    const good = others.findLast((one) => one.problem === undefined);
    const kept = new Set([...needed, ...(good === undefined ? [] : [good]), ...others.slice(-KEPT + 1), saved]);
    this.#saved = [...kept].sort((a, b) => a.ref.step - b.ref.step);
    this.#weigh();
    return { step, uri, reason, seconds, createdAt: ref.createdAt, ...manifest };
  }

  publish(attempt: string, step: number, name: string): void {
    const uri = `${this.uri}/artifacts/${name}`;
    const ref = { name, uri, step, attempt, createdAt: this.#time(), ...this.#manifest(attempt, `${step}-${name}`) };
    this.artifacts.splice(0, this.artifacts.length, ...this.artifacts.filter((one) => one.name !== name), ref);
    this.#weigh();
  }

  #weigh(): void {
    this.#weights.push({ at: this.#clock.now(), bytes: (this.#saved.length + this.artifacts.length) * SIZE_BYTES });
  }

  /** Bytes times ms that were kept from one time to another (epoch ms). */
  kept(from: number, to: number): number {
    return this.#weights.reduce((sum, { at, bytes }, index) => {
      const end = Math.min(to, this.#weights[index + 1]?.at ?? to);
      return sum + bytes * Math.max(0, end - Math.max(from, at));
    }, 0);
  }

  /** The view of one operator process, whose reads may fail. */
  reader(process: SimProcess): CheckpointStore {
    const read = <T>(verb: string, value: () => T): Promise<T> =>
      process.call({ target: 'store', verb, effect: false }, unreachable, () => {
        const trouble = this.#trouble();
        if (trouble !== undefined) throw trouble === 'gone' ? unreachable() : forbidden();
        return value();
      });
    return {
      uri: this.uri,
      list: () => read('list', () => this.#saved.map((one) => one.ref).toReversed()),
      verify: (ref) =>
        read('verify', () => {
          const artifact = this.artifacts.find((one) => one.manifestSha256 === ref.manifestSha256);
          const checkpoint = this.#saved.find((one) => one.ref.manifestSha256 === ref.manifestSha256);
          if (artifact !== undefined)
            return { ok: true, checkpoint: { ...artifact, verifiedAt: this.#time() } } as const;
          if (checkpoint !== undefined && checkpoint.problem === undefined)
            return { ok: true, checkpoint: { ...checkpoint.ref, verifiedAt: this.#time() } } as const;
          return { ok: false, problem: broken(ref.uri, checkpoint?.problem) } as const;
        }),
      latestVerified: () =>
        read('latestVerified', () => {
          const newest = this.#saved.findLast((one) => one.problem === undefined);
          const problems = this.#saved
            .filter((one) => one.problem !== undefined && one.ref.step > (newest?.ref.step ?? -1))
            .map((one) => broken(one.ref.uri, one.problem));
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
    return { manifestSha256, sizeBytes: SIZE_BYTES };
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}

function broken(where: string, code: Problem['code'] = 'Missing'): Problem {
  return { code, message: `weights.bin does not hold what the manifest says (${code})`, where };
}

function unreachable(): Error {
  return new StoreError('Unreachable', 'the store does not answer', 'Wait until it does.');
}

function forbidden(): Error {
  return new StoreError('Forbidden', 'the store denies access', 'Allow the key to read the bucket.');
}
