/**
 * Writes crds/types/*.ts from crds/*.yaml. With --check it writes nothing and exits 1 when a file differs.
 *
 *   node crds/generate.ts [--check]
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { emitModules } from './emit.ts';
import { loadCrds } from './schema.ts';

/** Names of generated files in `folder` that differ from `modules`, are missing, or should not be there. */
export function drift(modules: ReadonlyMap<string, string>, folder: URL): string[] {
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const stale = present.filter((name) => !modules.has(name));
  const changed = [...modules].filter(
    ([name, source]) => !present.includes(name) || readFileSync(new URL(name, folder), 'utf8') !== source,
  );
  return [...stale, ...changed.map(([name]) => name)].sort();
}

async function main(args: readonly string[]): Promise<number> {
  const folder = new URL('types/', import.meta.url);
  const modules = await emitModules(loadCrds());
  const different = drift(modules, folder);
  if (args.includes('--check')) {
    if (different.length === 0) return 0;
    console.error(`crds/types differs from crds/*.yaml: ${different.join(', ')}. Run \`npm run generate\` and commit.`);
    return 1;
  }
  mkdirSync(folder, { recursive: true });
  for (const name of different) {
    const source = modules.get(name);
    if (source === undefined) rmSync(new URL(name, folder));
    else writeFileSync(new URL(name, folder), source);
  }
  console.log(`crds/types: ${different.length} of ${modules.size} files written`);
  return 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
