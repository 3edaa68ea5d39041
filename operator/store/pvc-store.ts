import { StoreError } from './errors.ts';
import { type Inspect, type InspectDocument, type InspectedFolder, inspectDocument } from './inspect.ts';
import { decodeResult } from './left-behind.ts';
import type { CheckpointRef, CheckpointStore, Latest, Problem, Verification, VerifiedCheckpoint } from './store.ts';

/** While nothing is decided by it, an answer serves for so long, in ms. */
const STALE_MS = 300_000;
/** An answer that decides is at most so old. */
const FRESH_MS = 120_000;
/** After a look that failed, the next begins this much later. */
const REST_MS = 5_000;
const MAX_REMEMBERED = 1_024;

type Look = { at: number; document?: InspectDocument; error?: StoreError; running?: Promise<void> };

/** Looks by URI; outlives the stores, which are opened anew each time. */
export type PvcMemory = Map<string, Look>;

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
    const run = async (): Promise<void> => {
      try {
        const parsed = inspectDocument.safeParse(await inspect(uri, { fresh }));
        if (!parsed.success)
          throw new Error(`the reader said something unexpected: ${parsed.error.issues[0]?.message}`);
        look.document = parsed.data;
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

  /** What is known, looked at anew where that is too old. `pending` while a newer look is under way. */
  const look = async (fresh: boolean): Promise<{ document: InspectDocument; at: number; pending: boolean }> => {
    const known = memory.get(uri) ?? { at: Number.NEGATIVE_INFINITY };
    if (!memory.has(uri)) {
      if (memory.size >= MAX_REMEMBERED) memory.delete(memory.keys().next().value ?? '');
      memory.set(uri, known);
    }
    const age = now() - known.at;
    const rested = known.error === undefined || age >= REST_MS;
    const old = known.document === undefined || known.error !== undefined || age > (fresh ? FRESH_MS : STALE_MS);
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
    return { document: known.document, at: known.at, pending: fresh && known.running !== undefined };
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

    async latestVerified({ fresh = false } = {}): Promise<Latest> {
      const { document, at, pending } = await look(fresh);
      const latest: Latest = { problems: [] };
      if (pending) {
        const [newest] = document.checkpoints;
        const totalBytes = newest?.sizeBytes ?? 0;
        latest.pending = { step: newest?.step ?? 0, uri: newest?.uri ?? uri, doneBytes: 0, totalBytes };
      }
      for (const one of document.checkpoints) {
        const checkpoint = verified(one, at);
        if (checkpoint !== undefined) return { ...latest, checkpoint };
        latest.problems.push(problemOf(one));
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
