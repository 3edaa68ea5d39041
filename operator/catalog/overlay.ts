import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Catalog, InvalidCatalog, loadCatalog, type ModelSpec, type PriceRow } from './catalog.ts';
import type { ModelFactsRow, Overlay } from './schema/overlay.ts';

type Env = Readonly<Record<string, string | undefined>>;

const HEADER =
  '# Prices and facts on top of the catalog that came with KripTik, written by "kriptik catalog refresh".\n';

/** Where a user's rows lie: KRIPTIK_CATALOG, else the folder for settings. */
export function overlayPath(env: Env, home: string): string {
  const own = env['KRIPTIK_CATALOG'];
  return own || join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'kriptik', 'catalog.yaml');
}

/** The shipped catalog with the rows of the file at `path`, where there is one. @throws InvalidCatalog */
export async function currentCatalog(path: string): Promise<Catalog> {
  const catalog = loadCatalog();
  const overlay = await readOverlay(path);
  return overlay === undefined ? catalog : withOverlay(catalog, overlay);
}

/** The rows of a file; undefined where there is none. @throws InvalidCatalog naming the file and the field */
export async function readOverlay(path: string): Promise<Overlay | undefined> {
  const text = await textOf(path);
  if (text === undefined) return undefined;
  // Only those who refreshed or wrote rows of their own pay for parser and validator.
  const [{ parse }, { overlayFile }] = await Promise.all([import('yaml'), import('./schema/overlay.ts')]);
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    // What follows the first line repeats the file, which may be anything, onto a terminal.
    const [what = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new InvalidCatalog(`${path}: ${what.replace(/:$/, '')}`);
  }
  const result = overlayFile.safeParse(content ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidCatalog(`${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

/** Replaces the file in one step, so that readers see the old rows or the new ones. */
export async function writeOverlay(path: string, overlay: Overlay): Promise<void> {
  const { stringify } = await import('yaml');
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(draft, HEADER + stringify(overlay, { lineWidth: 0 }));
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Which offer a price is of; a refreshed row takes the place of the shipped row of the same offer. */
export function priceKey({ provider, tier, region, gpu, instance, gpus }: PriceRow): string {
  return [provider, tier, region ?? '', gpu, instance, gpus].join('|');
}

/** The newer of two rows of the same offer counts; the one that a user wrote where they are of the same day. */
export function mergePrices(shipped: readonly PriceRow[], own: readonly PriceRow[]): readonly PriceRow[] {
  const rows = new Map(shipped.map((row) => [priceKey(row), row]));
  for (const row of own) {
    const known = rows.get(priceKey(row));
    if (known === undefined || row.asOf >= known.asOf) rows.set(priceKey(row), row);
  }
  return [...rows.values()];
}

/** The catalog with a user's rows. Facts of models and licences that the catalog does not know are left out. */
export function withOverlay(catalog: Catalog, overlay: Overlay): Catalog {
  const facts = new Map(overlay.models.map((row) => [row.id, row]));
  return {
    ...catalog,
    prices: mergePrices(catalog.prices, overlay.prices),
    models: catalog.models.map((model) => corrected(model, facts.get(model.id), catalog)),
  };
}

function corrected(model: ModelSpec, facts: ModelFactsRow | undefined, catalog: Catalog): ModelSpec {
  if (facts === undefined || facts.asOf < model.asOf) return model;
  const license = catalog.licenses.find(({ id }) => id === facts.license);
  return {
    ...model,
    ...(facts.revision !== undefined && { revision: facts.revision }),
    ...(facts.gated !== undefined && { gated: facts.gated }),
    ...(license !== undefined && { license: license.id, commercialUse: license.commercialUse }),
    asOf: facts.asOf,
  };
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new InvalidCatalog(`${path}: cannot be read: ${code ?? String(error)}`);
  }
}
