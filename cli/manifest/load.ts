import { readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import type { Host } from '../host.ts';
import { printable, truncate } from '../render/width.ts';
import { withAbsoluteUris } from './relative.ts';
import { isFolder, readInput, textOf } from './text.ts';

/** One object of a file, with the means to say on which line a field stands. */
export interface Manifest {
  /** As the person named it; `-` for standard input. */
  readonly file: string;
  readonly value: unknown;
  /** `FILE:LINE` of the field at this path, or of the nearest parent that is written down. */
  where(path: readonly (string | number)[]): string;
}

const SUFFIXES = /\.(ya?ml|json)$/;

/**
 * Reads every document of a file, of all YAML and JSON files of a folder (not its sub-folders), or of standard input
 * (`-`; `stdin` where it was read already).
 *
 * @throws CliError with file and line for anything that is not YAML.
 */
export async function loadManifests(host: Host, name: string, stdin?: string): Promise<Manifest[]> {
  if (name === '-') return parseManifests('-', stdin ?? (await readInput(host)), host.cwd);
  const path = resolve(host.cwd, name);
  if (!isFolder(path, name)) return parseManifests(name, textOf(path, name), dirname(path));
  const files = readdirSync(path)
    .filter((file) => SUFFIXES.test(file))
    .sort();
  if (files.length === 0) {
    throw new CliError(EXIT.notFound, {
      what: 'the folder holds no .yaml, .yml or .json file',
      where: name,
      remedy: ['Name the right folder, or a file.'],
    });
  }
  return files.flatMap((file) => {
    const shown = relative(host.cwd, join(path, file));
    return parseManifests(shown, textOf(join(path, file), shown), path);
  });
}

/** Parses the documents of one text; empty documents are left out. Relative data paths are seen from `folder`. */
export function parseManifests(file: string, text: string, folder: string): Manifest[] {
  const lines = new LineCounter();
  const parsed = parseDocuments(file, text, lines);
  for (const document of parsed) {
    const [problem] = document.errors;
    if (problem === undefined) continue;
    const { line, col } = lines.linePos(problem.pos[0]);
    const written = truncate(printable(text.split('\n')[line - 1]?.trim() ?? ''), LONGEST_QUOTE);
    throw new CliError(EXIT.usage, {
      what: `this is not valid YAML: ${truncate(printable(problem.message), LONGEST_QUOTE)}`,
      where: `${file}:${line}:${col}${written === '' ? '' : `    ${written}`}`,
      remedy: [
        problem.message.includes('Tabs')
          ? 'Indent with spaces, never with tabs.'
          : 'Look at the indentation, the colons and the quotes around that line.',
      ],
    });
  }
  return parsed
    .filter((document) => document.contents !== null)
    .map((document) => ({
      file,
      value: withAbsoluteUris(plainValue(file, document), folder),
      where: (path) => `${file}:${lineOf(document, path, lines)}`,
    }));
}

/** Characters of a faulty line that are shown. */
const LONGEST_QUOTE = 120;

function parseDocuments(file: string, text: string, lineCounter: LineCounter): Document[] {
  try {
    // An empty text gives an empty list that carries its own errors.
    return [...parseAllDocuments(text, { lineCounter, prettyErrors: false })] as Document[];
  } catch (error) {
    throw tooDeep(file, error);
  }
}

function plainValue(file: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw tooDeep(file, error);
  }
}

/** Text that is YAML by its letters, but made to exhaust who reads it. */
function tooDeep(file: string, cause: unknown): CliError {
  return new CliError(
    EXIT.usage,
    {
      what: 'the file is nested too deeply, or repeats itself through aliases',
      where: file,
      remedy: ['Write the object plainly: examples/ shows how.'],
    },
    { cause },
  );
}

function lineOf(document: Document, path: readonly (string | number)[], lines: LineCounter): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const part = path.slice(0, depth);
    const offset = keyOffset(document, part);
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return 1;
}

/** Where the key itself stands: a value may begin on a later line. */
function keyOffset(document: Document, path: readonly (string | number)[]): number | undefined {
  const parent = path.length === 0 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (
    last !== undefined &&
    typeof parent === 'object' &&
    parent !== null &&
    'items' in parent &&
    Array.isArray(parent.items)
  ) {
    for (const item of parent.items as { key?: { value?: unknown; range?: number[] | null } }[]) {
      if (item.key?.value === last) return item.key.range?.[0];
    }
  }
  const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  return typeof node === 'object' && node !== null && 'range' in node
    ? (node.range as number[] | null)?.[0]
    : undefined;
}
