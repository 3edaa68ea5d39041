import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { GENERATED } from './lexicon.ts';

/**
 * Writes the word lists of lexicon/*.yaml as the one JSON file that is read at run time: parsing YAML takes a tenth of a
 * second. `node operator/intent/offline/generate.ts`, or with `--check` to fail when the file is out of date.
 */

const LISTS = join(import.meta.dirname, 'lexicon');

/** One line a list, each as JSON of its own: a list is parsed when it is needed. */
export function renderLexicon(): string {
  const lists = readdirSync(LISTS)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => [name, JSON.stringify(parse(readFileSync(join(LISTS, name), 'utf8')))] as const);
  return `${JSON.stringify(Object.fromEntries(lists), undefined, 2)}\n`;
}

if (import.meta.main) {
  const wanted = renderLexicon();
  if (!process.argv.includes('--check')) {
    writeFileSync(GENERATED, wanted);
  } else if (readFileSync(GENERATED, 'utf8') !== wanted) {
    process.stderr.write(
      'operator/intent/offline/generated/lexicon.json is out of date: run `node operator/intent/offline/generate.ts`.\n',
    );
    process.exitCode = 1;
  }
}
