import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DataSource } from '@kriptik/crds';
import type { DataFacts } from '../planner/types.ts';

/** A data file that cannot be used; the message says which, why and what to do. */
export class DataProblem extends Error {}

/** Roughly how many characters make a token of an English language model. */
const CHARS_PER_TOKEN = 4;

/** Bytes read of one file; larger ones are hashed and counted only by their own trainer. */
const MAX_BYTES = 1024 * 1024 * 1024;

interface Counted extends DataFacts {
  readonly mtimeMs: number;
}

/**
 * Looks into data files of this machine: size, hash, rows and their length. The hash goes into the plan, so
 * that an approval is bound to the very data. Answers are kept until a file's time or size changes.
 */
export class LocalDataFacts {
  readonly #known = new Map<string, Counted>();

  /** Facts of the file:// sources. Throws DataProblem for one that is missing, unreadable or empty. */
  async of(sources: readonly DataSource[]): Promise<DataFacts[]> {
    const local = sources.filter((source) => source.uri.startsWith('file://'));
    return await Promise.all(local.map((source) => this.#look(source.uri)));
  }

  async #look(uri: string): Promise<DataFacts> {
    const path = fileURLToPath(uri);
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'does not exist on this machine' : `cannot be read (${error.code})`;
      throw new DataProblem(`${uri} ${why}. Check spec.data of the goal: file:// needs an absolute path`);
    });
    if (!info.isFile()) throw new DataProblem(`${uri} is not a file. Name the data file itself in spec.data`);
    if (info.size === 0) throw new DataProblem(`${uri} is empty. Put at least one row in it`);
    const known = this.#known.get(uri);
    if (known !== undefined && known.mtimeMs === info.mtimeMs && known.bytes === info.size) return known;
    const facts: Counted = { ...(await count(path, uri, info.size)), mtimeMs: info.mtimeMs };
    this.#known.set(uri, facts);
    return facts;
  }
}

/** Reads the file once for its hash and, where rows are lines, their number and length. */
async function count(path: string, uri: string, bytes: number): Promise<DataFacts> {
  if (bytes > MAX_BYTES) return { uri, bytes };
  const hash = createHash('sha256');
  const lines = new LineLengths();
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    lines.add(chunk);
  }
  const base = { uri, bytes, sha256: hash.digest('hex') };
  const byLine = /\.(jsonl|ndjson|json|csv|tsv|txt)$/i.test(path);
  const header = /\.(csv|tsv)$/i.test(path) ? 1 : 0;
  const rows = lines.finish() - header;
  if (!byLine || rows <= 0) return base;
  return { ...base, rows, tokensPerRow: tokens(bytes / rows), longestRow: tokens(lines.longest) };
}

function tokens(chars: number): number {
  return Math.max(1, Math.ceil(chars / CHARS_PER_TOKEN));
}

/** Counts lines that hold anything, and the longest of them in bytes. */
class LineLengths {
  longest = 0;
  #rows = 0;
  #current = 0;

  add(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      this.#current += at - from;
      this.#close();
      from = at + 1;
    }
    this.#current += chunk.length - from;
  }

  finish(): number {
    this.#close();
    return this.#rows;
  }

  #close(): void {
    if (this.#current > 1) this.#rows += 1;
    this.longest = Math.max(this.longest, this.#current);
    this.#current = 0;
  }
}
