import { createHash } from 'node:crypto';
import { StoreError } from './errors.ts';
import type { Fresh } from './fresh-asks.ts';
import { decodePoints, decodeResult, isAttemptName, MAX_METRICS_TAIL_BYTES, MAX_RESULT_BYTES } from './left-behind.ts';
import type { S3Access } from './location.ts';
import {
  decodeManifest,
  MANIFEST,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ReadManifest,
  summaryOf,
} from './manifest.ts';
import { type Answer, ReadingBack } from './reading-back.ts';
import { exchanged } from './recorded.ts';
import { type Bucket, openBucket, type S3Object } from './s3-client.ts';
import { isAbsent, isChanged, storeErrorOf } from './s3-errors.ts';
import type { CheckpointRef, CheckpointStore, Latest, Problem, Verification } from './store.ts';
import { compareFile, compareNames } from './verify.ts';

const FILES_AT_ONCE = 4;
const MAX_MANIFESTS = 4_096;
const CHECKPOINT = /^step-\d{8,}(\.[0-9a-f]{8})?$/;
const ARTIFACT = /^([a-z0-9][a-z0-9-]*)(\.[0-9a-f]{8})?$/;
const CHANGED = 'its manifest is not the one that was recorded';
const SEGMENTS = 'metrics/';
const AGAIN = 'it is looked at again; check that all servers of the store hold the same';

export type S3StoreOptions = {
  /** How the bucket is reached, asked for once per store that is opened. */
  access: () => Promise<S3Access | undefined>;
  /** Outlive the store, which is opened anew at every look. */
  memory: S3Memory;
  /** Longest wait for a reading back, in ms; after that the answer is `Verifying`. */
  patienceMs?: number;
  now?: () => number;
};

/** What earlier looks learned: verdicts, and manifests by the state of their object. */
export class S3Memory {
  readonly readings: ReadingBack;
  readonly manifests = new Map<string, ReadManifest | string>();

  constructor(now: () => number = Date.now) {
    this.readings = new ReadingBack({ now });
  }
}

/** Objects below one folder, its manifest apart. */
type Folder = { name: string; prefix: string; manifest: S3Object | undefined; files: S3Object[] };

export const splitS3Uri = (uri: string): { bucket: string; prefix: string } => {
  const match = /^s3:\/\/([^/?#]+)\/?([^?#]*)$/.exec(uri);
  if (match?.[1] === undefined || (match[2] ?? '').split('/').includes('..')) {
    throw new StoreError('Misconfigured', `"${uri}" is not a URI of S3`, 'write it as s3://bucket/prefix');
  }
  const path = (match[2] ?? '').replace(/^\/+|\/+$/g, '');
  return { bucket: match[1], prefix: path === '' ? '' : `${path}/` };
};

/** A job's folder in a bucket, read only. */
export const openS3Store = (uri: string, options: S3StoreOptions): CheckpointStore => {
  const { bucket: bucketName, prefix } = splitS3Uri(uri);
  const { memory, patienceMs = 1_500, now = Date.now } = options;
  let opened: Promise<Bucket> | undefined;

  const bucket = (): Promise<Bucket> => {
    opened ??= options
      .access()
      .catch((error: unknown) => {
        // A Secret that is not there or lacks a key comes with a remedy; anything else may pass.
        const remedy = error instanceof Error && 'remedy' in error ? String(error.remedy) : undefined;
        const message = `the keys of ${uri}: ${error instanceof Error ? error.message : String(error)}`;
        if (remedy !== undefined) throw new StoreError('BadCredentials', message, remedy, { cause: error });
        throw new StoreError('Unreachable', message, 'check that the operator reaches the cluster', { cause: error });
      })
      .then((access) => openBucket(bucketName, access ?? { region: 'us-east-1', pathStyle: false }, now));
    return opened;
  };
  const uriOf = (key: string): string => `s3://${bucketName}/${key.replace(/\/$/, '')}`;

  const foldersIn = async (below: string): Promise<Folder[]> => {
    const start = prefix + below;
    const found = new Map<string, Folder>();
    for (const object of await (await bucket()).list(start)) {
      const rest = object.key.slice(start.length);
      const slash = rest.indexOf('/');
      if (slash < 1) continue;
      const name = rest.slice(0, slash);
      const folder = found.get(name) ?? { name, prefix: `${start}${name}/`, manifest: undefined, files: [] };
      found.set(name, folder);
      if (object.key === folder.prefix + MANIFEST) folder.manifest = object;
      else folder.files.push(object);
    }
    return [...found.values()];
  };

  /** The manifest of a folder, read anew only where its object changed. */
  const manifestOf = async ({ manifest: object }: Folder): Promise<ReadManifest | string | undefined> => {
    if (object === undefined) return undefined;
    if (object.size > MAX_MANIFEST_BYTES) return `it is longer than ${MAX_MANIFEST_BYTES} bytes`;
    const key = `${uriOf(object.key)} ${object.state}`;
    const known = memory.manifests.get(key);
    if (known !== undefined) return known;
    const bytes = await (await bucket()).read(object.key);
    if (bytes === undefined) return undefined;
    const read = decodeManifest(bytes);
    if (memory.manifests.size >= MAX_MANIFESTS) memory.manifests.clear();
    memory.manifests.set(key, read);
    return read;
  };

  const readFile = async (
    folder: Folder,
    file: Manifest['files'][number],
    more: (bytes: number) => void,
  ): Promise<Problem | undefined> => {
    const where = uriOf(folder.prefix + file.path);
    const object = folder.files.find((one) => one.key === folder.prefix + file.path);
    if (object === undefined) return { code: 'FileMissing', message: `${file.path} is not there`, where };
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const chunk of (await bucket()).stream(object.key, { etag: object.etag })) {
        hash.update(chunk);
        size += chunk.length;
        more(chunk.length);
      }
    } catch (error) {
      // A listing that still shows it knows better than one answer: a verdict would stand for as long as nothing changes.
      if (isAbsent(error))
        throw new StoreError('Unreachable', `${where} is listed, but the store says that it is not there`, AGAIN);
      if (isChanged(error)) return { code: 'HashMismatch', message: `${file.path} was changed meanwhile`, where };
      throw storeErrorOf(error, where);
    }
    return compareFile(file, { size, sha256: hash.digest('hex') }, where);
  };

  const readAll = async (
    folder: Folder,
    manifest: Manifest,
    more: (bytes: number) => void,
  ): Promise<Problem | undefined> => {
    const left = [...manifest.files];
    let problem: Problem | undefined;
    const worker = async (): Promise<void> => {
      for (let file = left.shift(); file !== undefined && problem === undefined; file = left.shift()) {
        const found = await readFile(folder, file, more);
        problem ??= found;
      }
    };
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker));
    return problem;
  };

  /** Names and sizes at once, from the listing; the bytes within patience. */
  const compare = async (
    folder: Folder,
    read: ReadManifest,
    wish: { fresh: Fresh; patienceMs: number },
  ): Promise<Answer | { problem: Problem }> => {
    const where = uriOf(folder.prefix);
    const present = folder.files.map((object) => object.key.slice(folder.prefix.length));
    const names = compareNames(where, read.manifest, present);
    if (names !== undefined) return { problem: names };
    const sizes = new Map(folder.files.map((object) => [object.key.slice(folder.prefix.length), object.size]));
    for (const file of read.manifest.files) {
      const actual = { size: sizes.get(file.path) ?? 0, sha256: file.sha256 };
      const problem = compareFile(file, actual, `${where}/${file.path}`);
      if (problem !== undefined) return { problem };
    }
    const states = [folder.manifest, ...folder.files].map((object) => `${object?.key} ${object?.state}`);
    const question = {
      key: `${where} ${read.sha256}`,
      state: states.join('\n'),
      totalBytes: summaryOf(read).sizeBytes,
      fresh: wish.fresh,
      read: (more: (bytes: number) => void) => readAll(folder, read.manifest, more),
    };
    // Without patience only what is known already counts: nothing is begun.
    if (wish.patienceMs > 0) return memory.readings.ask(question, wish.patienceMs);
    const known = memory.readings.known(question);
    return known ?? { pending: { doneBytes: 0, totalBytes: question.totalBytes } };
  };

  const verificationOf = (folder: Folder, read: ReadManifest, answer: Answer | { problem: Problem }): Verification => {
    if ('pending' in answer) {
      const { doneBytes, totalBytes } = answer.pending;
      const message = `it is being read back: ${doneBytes} of ${totalBytes} bytes`;
      return { ok: false, problem: { code: 'Verifying', message, where: uriOf(folder.prefix) } };
    }
    if (answer.problem !== undefined) return { ok: false, problem: answer.problem };
    const verifiedAt = new Date('verifiedAt' in answer ? answer.verifiedAt : now()).toISOString();
    return { ok: true, checkpoint: { uri: uriOf(folder.prefix), ...summaryOf(read), verifiedAt } };
  };

  const unreadable = (folder: Folder, why: string): Problem => ({
    code: 'ManifestUnreadable',
    message: `its manifest cannot be used: ${why}`,
    where: uriOf(folder.prefix),
  });

  /** Checkpoints that were published, newest step first, of equal steps the one published last. */
  const published = async (): Promise<{ folder: Folder; read: ReadManifest | string }[]> => {
    const folders = (await foldersIn('checkpoints/')).filter((one) => CHECKPOINT.test(one.name));
    const found = [];
    for (const folder of folders) {
      const read = await manifestOf(folder);
      if (read !== undefined) found.push({ folder, read });
    }
    const step = (name: string): number => Number(name.slice('step-'.length).split('.')[0]);
    const born = (read: ReadManifest | string): string => (typeof read === 'string' ? '' : read.manifest.createdAt);
    return found.sort((a, b) => step(b.folder.name) - step(a.folder.name) || born(b.read).localeCompare(born(a.read)));
  };

  return {
    uri: uriOf(prefix),

    async list(): Promise<CheckpointRef[]> {
      const found = await published();
      return found.flatMap(({ folder, read }) =>
        typeof read === 'string' ? [] : [{ uri: uriOf(folder.prefix), ...summaryOf(read) }],
      );
    },

    async verify(ref, { fresh = false } = {}): Promise<Verification> {
      const fail = (code: Problem['code'], message: string): Verification => ({
        ok: false,
        problem: { code, message, where: ref.uri },
      });
      const inside = ref.uri.startsWith(`${uriOf(prefix)}/`) ? ref.uri.slice(uriOf(prefix).length + 1) : '';
      const [, below, name] = /^(checkpoints|artifacts)\/([^/]+)$/.exec(inside) ?? [];
      if (below === undefined) return fail('UnsafePath', `it does not lie in the store ${uriOf(prefix)}`);
      const folder = (await foldersIn(`${below}/`)).find((one) => one.name === name);
      if (folder === undefined) return fail('Missing', 'it is not there');
      const read = await manifestOf(folder);
      if (read === undefined) return fail('Missing', `it has no ${MANIFEST}`);
      if (typeof read === 'string') return { ok: false, problem: unreadable(folder, read) };
      if (read.sha256 !== ref.manifestSha256) {
        return fail('ManifestChanged', CHANGED);
      }
      return verificationOf(folder, read, await compare(folder, read, { fresh, patienceMs }));
    },

    async latestVerified({ fresh = false, recorded = [] } = {}): Promise<Latest> {
      const latest: Latest = { problems: [] };
      for (const { folder, read } of await published()) {
        if (typeof read === 'string') {
          latest.problems.push(unreadable(folder, read));
          continue;
        }
        const other = exchanged({ uri: uriOf(folder.prefix), ...summaryOf(read) }, recorded, { once: true });
        if (other !== undefined) {
          latest.problems.push(other);
          continue;
        }
        // While a newer one is read, an older one only counts where that takes no reading.
        const wish = latest.pending === undefined ? { fresh, patienceMs } : { fresh: false, patienceMs: 0 };
        const answer = await compare(folder, read, wish);
        if ('pending' in answer) {
          latest.pending ??= { step: read.manifest.step, uri: uriOf(folder.prefix), ...answer.pending };
          continue;
        }
        const verification = verificationOf(folder, read, answer);
        if (verification.ok) return { ...latest, checkpoint: verification.checkpoint };
        latest.problems.push(verification.problem);
      }
      return latest;
    },

    async artifacts() {
      const newest = new Map<string, CheckpointRef & { name: string }>();
      for (const folder of await foldersIn('artifacts/')) {
        const name = ARTIFACT.exec(folder.name)?.[1];
        const read = name === undefined ? undefined : await manifestOf(folder);
        if (name === undefined || read === undefined || typeof read === 'string') continue;
        const ref = { name, uri: uriOf(folder.prefix), ...summaryOf(read) };
        if ((newest.get(name)?.createdAt ?? '') <= ref.createdAt) newest.set(name, ref);
      }
      return [...newest.values()].sort((a, b) => a.name.localeCompare(b.name));
    },

    async result(attempt) {
      if (!isAttemptName(attempt)) return undefined;
      const bytes = await (await bucket()).read(`${prefix}attempts/${attempt}/result.json`);
      if (bytes === undefined || bytes.length > MAX_RESULT_BYTES) return undefined;
      return decodeResult(bytes.toString('utf8'), attempt);
    },

    async metrics(limit) {
      const store = await bucket();
      const linesOf = (bytes: Buffer | undefined): string[] => (bytes ?? Buffer.alloc(0)).toString('utf8').split('\n');
      let points = decodePoints(
        linesOf(await store.read(`${prefix}metrics.jsonl`, { tail: MAX_METRICS_TAIL_BYTES })),
        limit,
      );
      if (points.length >= limit) return points;
      for (const { key } of (await store.list(prefix + SEGMENTS)).toReversed()) {
        if (points.length >= limit) break;
        points = [...decodePoints(linesOf(await store.read(key)), limit - points.length), ...points];
      }
      return points;
    },
  };
};
