import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Catalog, GENERATED } from './catalog.ts';
import { DATA, readCatalog } from './read.ts';

/**
 * Writes the validated data files as the one JSON file that is loaded at run time.
 * `node operator/catalog/generate.ts`, or with `--check` to fail when the file is out of date.
 */

/** JSON with one line a row, so that a change of a row is a change of a line. */
export function renderCatalog(catalog: Catalog): string {
  const parts = Object.entries(catalog).map(([key, value]: [string, unknown]) => {
    const rows = Array.isArray(value)
      ? `[\n${value.map((row) => JSON.stringify(row)).join(',\n')}\n]`
      : JSON.stringify(value);
    return `${JSON.stringify(key)}: ${rows}`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

function main(): void {
  const wanted = renderCatalog(readCatalog(DATA));
  if (!process.argv.includes('--check')) {
    mkdirSync(dirname(GENERATED), { recursive: true });
    writeFileSync(GENERATED, wanted);
  } else if (readFileSync(GENERATED, 'utf8') !== wanted) {
    process.stderr.write(
      'operator/catalog/generated/catalog.json is out of date: run `node operator/catalog/generate.ts`.\n',
    );
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
