import { StoreError } from './errors.ts';
import { type Fresh, FreshAsks } from './fresh-asks.ts';
import { type Inspect, type InspectDocument, type InspectedFolder, inspectDocument } from './inspect.ts';
import { decodeResult } from './left-behind.ts';
import { exchanged } from './recorded.ts';
import type { CheckpointRef, CheckpointStore, Latest, Problem, Verification, VerifiedCheckpoint } from './store.ts';

/** While nothing is decided by it, an answer serves for so long, in ms. */
const STALE_MS = 300_000;
/** After a look that failed, the next begins this much later. */
const REST_MS = 5_000;
const MAX_REMEMBERED = 1_024;

type Look = { begun: number; at: number; document?: InspectDocument; error?: StoreError; running?: Promise<void> };

/** Looks by URI; outlives the stores, which are opened anew each time. */
export class PvcMemory {
  readonly looks = new Map<string, Look>();
  readonly asks: FreshAsks;

  constructor(now: () => number = Date.now) {
    this.asks = new FreshAsks(now);
  }
}

export type PvcStoreOptions = {
  inspect: Inspect;
  memory: PvcMemory;
  /** Longest wait for a look, in ms. */
  patienceMs?: number;
  now?: () => number;
};

const refOf = (one: InspectedFolder): CheckpointRef | undefined => {
  const { step, uri, manifestSha256, sizeBytes, createdAt, attempt } = one;
  if (step === undefined || manifestSha256 === undefined || sizeBytes === undefined) return undefined;
  if (createdAt === undefined || attempt === undefined) return undefined;
  return { step, uri, manifestSha256, sizeBytes, createdAt, attempt };
};

const problemOf = (one: InspectedFolder): Problem => ({
  code: one.manifestSha256 === undefined ? 'ManifestUnreadable' : 'HashMismatch',
  message: one.problem ?? 'it could not be verified',
  where: one.uri,
});

/**
 * A job's folder on a claim, which only a pod can read. One look tells everything; looks run in the background, one at
 * a time for each store. Until the first has come, nothing is known: reads throw StoreError `Looking`.
 */
export const openPvcStore = (uri: string, options: PvcStoreOptions): CheckpointStore => {
  const { inspect, memory, patienceMs = 1_500, now = Date.now } = options;

  const start = (look: Look, fresh: boolean): Promise<void> => {
    const begun = now();
    const run = async (): Promise<void> => {
      try {
        const parsed = inspectDocument.safeParse(await inspect(uri, { fresh }));
        if (!parsed.success)
          throw new Error(`the reader said something unexpected: ${parsed.error.issues[0]?.message}`);
        look.document = parsed.data;
        look.begun = begun;
        delete look.error;
      } catch (error) {
        look.error =
          error instanceof StoreError
            ? error
            : new StoreError(
                'Unreachable',
                `${uri}: ${error instanceof Error ? error.message : String(error)}`,
                'check that the claim exists and that a pod of this namespace can mount it',
                { cause: error },
              );
      } finally {
        look.at = now();
        delete look.running;
      }
    };
    look.running = run();
    return look.running;
  };

  const lookOf = (key: string): Look => {
    const known = memory.looks.get(key) ?? { begun: Number.NEGATIVE_INFINITY, at: Number.NEGATIVE_INFINITY };
    if (memory.looks.size >= MAX_REMEMBERED) memory.looks.delete(memory.looks.keys().next().value ?? '');
    memory.looks.set(key, known);
    return known;
  };

  /** What is known, looked at anew where that is too old. `pending` while a newer look is under way. */
  const look = async (question: Fresh): Promise<{ document: InspectDocument; at: number; pending: boolean }> => {
    const known = lookOf(uri);
    const fresh = question !== false;
    const since = fresh ? memory.asks.since(uri, question) : now() - STALE_MS;
    const old = known.document === undefined || known.error !== undefined || known.begun < since;
    const rested = known.error === undefined || now() - known.at >= REST_MS;
    const running = known.running ?? (old && rested ? start(known, fresh) : undefined);
    if (running !== undefined && (fresh || known.document === undefined)) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, patienceMs);
      });
      await Promise.race([running, late]).finally(() => clearTimeout(timer));
    }
    if (known.error !== undefined && (fresh || known.document === undefined)) throw known.error;
    if (known.document === undefined) {
      throw new StoreError('Looking', `${uri}: a pod is looking into the claim`, 'wait for its answer');
    }
    return { document: known.document, at: known.at, pending: fresh && known.begun < since };
  };

  const verified = (one: InspectedFolder, at: number): VerifiedCheckpoint | undefined => {
    const ref = one.verified ? refOf(one) : undefined;
    return ref && { ...ref, verifiedAt: new Date(at).toISOString() };
  };

  return {
    uri,

    async list() {
      return (await look(false)).document.checkpoints.flatMap((one) => refOf(one) ?? []);
    },

    async verify(ref, { fresh = false } = {}): Promise<Verification> {
      const { document, at, pending } = await look(fresh);
      const fail = (code: Problem['code'], message: string): Verification => ({
        ok: false,
        problem: { code, message, where: ref.uri },
      });
      if (pending) return fail('Verifying', 'a pod is reading it back');
      const one = [...document.checkpoints, ...document.artifacts].find((other) => other.uri === ref.uri);
      if (one === undefined) return fail('Missing', 'it is not there');
      const checkpoint = verified(one, at);
      if (checkpoint === undefined) return { ok: false, problem: problemOf(one) };
      if (checkpoint.manifestSha256 === ref.manifestSha256) return { ok: true, checkpoint };
      return fail('ManifestChanged', 'its manifest is not the one that was recorded');
    },

    async latestVerified({ fresh = false, recorded = [] } = {}): Promise<Latest> {
      const { document, at, pending } = await look(fresh);
      const latest: Latest = { problems: [] };
      if (pending) {
        const [newest] = document.checkpoints;
        const totalBytes = newest?.sizeBytes ?? 0;
        latest.pending = { step: newest?.step ?? 0, uri: newest?.uri ?? uri, doneBytes: 0, totalBytes };
      }
      for (const one of document.checkpoints) {
        const checkpoint = verified(one, at);
        const other = checkpoint && exchanged(checkpoint, recorded, { once: false });
        if (checkpoint !== undefined && other === undefined) return { ...latest, checkpoint };
        latest.problems.push(other ?? problemOf(one));
      }
      return latest;
    },

    async artifacts() {
      const { document } = await look(false);
      return document.artifacts.flatMap((one) => {
        const ref = refOf(one);
        return ref === undefined ? [] : [{ name: one.name, ...ref }];
      });
    },

    async result(attempt) {
      const { document } = await look(false);
      for (const value of document.results) {
        const result = decodeResult(JSON.stringify(value), attempt);
        if (result !== undefined) return result;
      }
      return undefined;
    },

    async metrics(limit) {
      return limit <= 0 ? [] : (await look(false)).document.metricsTail.slice(-limit);
    },
  };
};
