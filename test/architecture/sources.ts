import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** Paths of everything that is or will be committed, relative to the checkout; those that match `pattern`. */
export function projectFiles(pattern: RegExp = /./): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  const deleted = execFileSync('git', ['ls-files', '--deleted', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  return [...new Set(listed.split('\0'))].filter(
    (path) => path !== '' && pattern.test(path) && !deleted.includes(path),
  );
}

/** Text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Generated files follow their source, not the rules for people. */
export const isGenerated = (path: string): boolean => path.startsWith('crds/types/');

/** Tests, and what only tests and benchmarks use. */
export const isTest = (path: string): boolean =>
  /\.test\.ts$|^test\/|\/(testing|bench)\/|\/testing\.ts$|test-builders\.ts$/.test(path);

export interface Import {
  readonly from: string;
  /** A file of the project, or the name of a package or built-in. */
  readonly to: string;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
}

const STATEMENT =
  /^(?:import|export)\s+(type\s+)?([^'"`;]*?)\bfrom\s*'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm;

/** What a file imports, in the order it stands there. */
export function importsOf(path: string): Import[] {
  return [...textOf(path).matchAll(STATEMENT)].map(([, type, names = '', named, bare, dynamic]) => ({
    from: path,
    to: resolved(path, named ?? bare ?? dynamic ?? ''),
    typeOnly: type !== undefined || onlyTypes(names),
  }));
}

function onlyTypes(names: string): boolean {
  const [, list] = /^\s*\{([^}]*)\}\s*$/.exec(names) ?? [];
  const each =
    list
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '') ?? [];
  return each.length > 0 && each.every((name) => name.startsWith('type '));
}

function resolved(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  if (specifier === '@kriptik/crds') return 'crds/index.ts';
  return specifier.startsWith('@kriptik/') ? specifier.slice('@kriptik/'.length) : specifier;
}
