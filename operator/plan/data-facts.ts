import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contract, DataSource, PlannedData } from '@kriptik/crds';
import type { DataFacts } from '../planner/types.ts';
import type { CheckReport, DataCheck } from '../trainer/check.ts';
import { trainerFormat } from '../trainer/format.ts';
import { rowKind } from './row-kind.ts';

/** Data that cannot be used; the message says which, why and what to do. */
export class DataProblem extends Error {}

/** The data of a contract, or what a plan proposes for one that names none. */
export interface DataQuestion {
  readonly modality: Contract['modality'];
  readonly data: readonly (DataSource | PlannedData)[];
}

/** Looks into data before it is priced. Answers for the sources it knows how to read, and throws DataProblem. */
export interface DataFactsSource {
  of(question: DataQuestion): Promise<DataFacts[]>;
}

/** Errors of one file that are told; the count of the rest follows. */
const TOLD = 3;

interface Known {
  /** Times and sizes of what was looked into. */
  readonly seen: string;
  readonly modality: Contract['modality'];
  readonly facts: DataFacts;
}

/**
 * Looks into data files of this machine with the trainer's own check: rows, tokens, hash. The hash goes into the
 * plan, so that an approval is bound to the very data, and a broken file is found before it costs anything. Answers
 * are kept until a file's time or size changes.
 */
export class LocalDataFacts implements DataFactsSource {
  readonly #check: DataCheck;
  readonly #known = new Map<string, Known>();

  constructor(check: DataCheck) {
    this.#check = check;
  }

  /** Facts of the contract's file:// sources. Throws DataProblem for one that cannot be trained on. */
  async of({ modality, data }: DataQuestion): Promise<DataFacts[]> {
    const local = data.filter((source) => source.uri.startsWith('file://'));
    return await Promise.all(local.map((source) => this.#look(source, modality)));
  }

  async #look(source: DataSource, modality: Contract['modality']): Promise<DataFacts> {
    const { uri } = source;
    const path = fileURLToPath(uri);
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'does not exist on this machine' : `cannot be read (${error.code})`;
      throw new DataProblem(`${uri} ${why}. Check spec.data of the goal: file:// needs an absolute path`);
    });
    const text = modality === 'llm' || modality === 'code';
    if (text && !info.isFile()) throw new DataProblem(`${uri} is not a file. Name the data file itself in spec.data`);
    if (info.size === 0) throw new DataProblem(`${uri} is empty. Put at least one row into it`);
    const known = this.#known.get(uri);
    const seen = info.isFile() ? `${info.mtimeMs} ${info.size}` : await seenIn(path);
    if (known?.seen === seen && known.modality === modality) return known.facts;
    const format = info.isFile() ? trainerFormat(source) : 'folder';
    const { kind, columns } = await rowKind(modality, path, format);
    const counted = factsOf(uri, await this.#check(uri, format, kind));
    // A latent or a clip of sound counts as one row, whatever its caption is.
    const { tokensPerRow: _tokens, longestRow: _longest, ...media } = counted;
    const told = {
      ...(kind !== undefined && { preferencePairs: kind === 'preferences' || kind === 'seen-preferences' }),
      ...(columns !== undefined && { columns }),
    };
    const facts = text ? { ...counted, ...told } : { ...media, ...(modality === 'multimodal' && told) };
    this.#known.set(uri, { seen, modality, facts });
    return facts;
  }
}

/** Names, times and sizes of the files of a folder. */
async function seenIn(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const infos = await Promise.all(names.map((name) => stat(join(folder, name))));
  return infos.map(({ mtimeMs, size }, index) => `${names[index]} ${mtimeMs} ${size}`).join('\n');
}

function factsOf(uri: string, report: CheckReport): DataFacts {
  const [file] = report.files;
  if (!report.ok || file === undefined) throw new DataProblem(problemOf(uri, report));
  return {
    uri,
    rows: report.rows,
    tokensPerRow: Math.max(1, Math.round(report.tokens.mean)),
    longestRow: report.tokens.max,
    bytes: file.sizeBytes,
    ...(file.sha256 === null ? {} : { sha256: file.sha256 }),
  };
}

/** The first few errors with line, field and remedy. */
function problemOf(uri: string, report: CheckReport): string {
  const errors = report.files.flatMap((file) => file.errors);
  const count = report.files.reduce((sum, file) => sum + file.errorCount, 0);
  const told = errors.slice(0, TOLD).map((error) => {
    const field = error.field === null || error.where.includes(error.field) ? '' : `, field ${error.field}`;
    return `${error.where}${field}: ${error.message}. ${error.remedy}`;
  });
  const rest = count > told.length ? ` (${count - told.length} more)` : '';
  return `${uri} cannot be trained on: ${told.join(' ').replace(/\.$/, '')}${rest}`;
}
