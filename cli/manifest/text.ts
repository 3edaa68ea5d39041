import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import type { Host } from '../host.ts';

/** A file of text as a whole. @throws CliError when it is not there, not text, or too large to be one of ours. */
export function readText(host: Pick<Host, 'cwd'>, name: string): string {
  const path = resolve(host.cwd, name);
  if (isFolder(path, name))
    throw new CliError(EXIT.usage, { what: 'this is a folder', where: name, remedy: ['Name a file in it.'] });
  return textOf(path, name);
}

/** Standard input as a whole. @throws CliError when it is not text, or too large to be one of ours. */
export async function readInput(host: Pick<Host, 'readStdin'>): Promise<string> {
  const text = await host.readStdin();
  // What was no UTF-8 was replaced when it was read.
  return plainText(Buffer.byteLength(text), text.includes('\uFFFD') ? undefined : text, '-');
}

/** The text of the file at `path`, which the person knows as `shown`. @throws CliError as {@link readText} does */
export function textOf(path: string, shown: string): string {
  const bytes = readFileSync(path);
  return plainText(bytes.length, bytes.length > MOST_BYTES ? undefined : decoded(bytes), shown);
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Far more than any object may hold; the API server takes less. */
const MOST_BYTES = 1024 * 1024;

function plainText(bytes: number, text: string | undefined, shown: string): string {
  const refuse = (what: string, remedy: string): CliError =>
    new CliError(EXIT.usage, { what, where: shown, remedy: [remedy] });
  if (bytes > MOST_BYTES)
    throw refuse('the file is larger than 1 MiB', 'Name the file with the goal; training data belongs into spec.data.');
  if (text === undefined || text.includes('\0'))
    throw refuse('the file is not UTF-8 text', 'Name a YAML or JSON file; save it as UTF-8.');
  return text;
}

/** @throws CliError (not found) where there is nothing at `path` */
export function isFolder(path: string, name: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new CliError(
      EXIT.notFound,
      {
        what: 'the file does not exist',
        where: name,
        remedy: ['Check the path; examples/ holds goals to begin with.'],
      },
      { cause: error },
    );
  }
}
