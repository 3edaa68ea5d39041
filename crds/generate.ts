/**
 * Writes crds/types/*.ts, the definitions as JSON beside them, and the tables of docs/spec/*.md from crds/*.yaml. With
 * --check it writes nothing and exits 1 when a file differs.
 *
 *   node crds/generate.ts [--check]
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { emitModules } from './emit.ts';
import { renewPage } from './reference.ts';
import { type Crd, loadCrds } from './schema.ts';

/**
 * Names of generated files in `folder` that differ from `files` or are missing, and of those that should not be there
 * where everything in the folder is generated.
 */
export function drift(files: ReadonlyMap<string, string>, folder: URL, everything = true): string[] {
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const stale = everything ? present.filter((name) => !files.has(name)) : [];
  const changed = [...files].filter(
    ([name, source]) => !present.includes(name) || readFileSync(new URL(name, folder), 'utf8') !== source,
  );
  return [...stale, ...changed.map(([name]) => name)].sort();
}

/** Every page of docs/spec with its tables renewed, by file name. @throws when a kind has no page. */
export function renewPages(crds: readonly Crd[], folder: URL): Map<string, string> {
  return new Map(
    crds.map((crd) => {
      const name = `${crd.spec.names.singular}.md`;
      return [name, renewPage(readFileSync(new URL(name, folder), 'utf8'), crd)];
    }),
  );
}

/** Each definition as JSON, by file name: it is read fifty times faster than YAML, which the command line waits for. */
export function definitions(crds: readonly Crd[]): Map<string, string> {
  return new Map(crds.map((crd) => [`${crd.spec.names.singular}.json`, `${JSON.stringify(crd)}\n`]));
}

interface Output {
  readonly files: ReadonlyMap<string, string>;
  readonly folder: URL;
  readonly name: string;
  /** Whether nothing else may lie in the folder. */
  readonly everything: boolean;
}

function write({ files, folder, everything }: Output): number {
  const different = drift(files, folder, everything);
  mkdirSync(folder, { recursive: true });
  for (const name of different) {
    const content = files.get(name);
    if (content === undefined) rmSync(new URL(name, folder));
    else writeFileSync(new URL(name, folder), content);
  }
  return different.length;
}

async function main(args: readonly string[]): Promise<number> {
  const crds = loadCrds();
  const docs = new URL('../docs/spec/', import.meta.url);
  const outputs: Output[] = [
    {
      files: new Map([...(await emitModules(crds)), ...definitions(crds)]),
      folder: new URL('types/', import.meta.url),
      name: 'crds/types',
      everything: true,
    },
    { files: renewPages(crds, docs), folder: docs, name: 'docs/spec', everything: false },
  ];
  if (!args.includes('--check')) {
    for (const output of outputs) console.log(`${output.name}: ${write(output)} files changed`);
    return 0;
  }
  const different = outputs.flatMap(({ files, folder, name, everything }) =>
    drift(files, folder, everything).map((file) => `${name}/${file}`),
  );
  if (different.length === 0) return 0;
  console.error(`These differ from crds/*.yaml: ${different.join(', ')}. Run \`npm run generate\` and commit.`);
  return 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
