import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidCatalog, loadCatalog, type PriceRow } from './catalog.ts';
import { currentCatalog, mergePrices, overlayPath, readOverlay, writeOverlay } from './overlay.ts';

const shipped = loadCatalog();
const row = (fields: Partial<PriceRow> = {}): PriceRow => ({
  provider: 'runpod',
  tier: 'secure',
  gpu: 'H100-SXM-80GB',
  instance: 'pod',
  gpus: 1,
  usdPerGpuHour: '4.25',
  asOf: '2026-12-01',
  verified: true,
  source: 'test',
  ...fields,
});
const priceOf = (rows: readonly PriceRow[]): string | undefined =>
  rows.find(({ provider, tier, gpu }) => provider === 'runpod' && tier === 'secure' && gpu === 'H100-SXM-80GB')
    ?.usdPerGpuHour;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('where the rows of a user lie', () => {
  it.each([
    ['the path they set', { KRIPTIK_CATALOG: '/srv/prices.yaml', XDG_CONFIG_HOME: '/x' }, '/srv/prices.yaml'],
    ['the folder for settings', { XDG_CONFIG_HOME: '/x' }, '/x/kriptik/catalog.yaml'],
    ['their home else', {}, '/home/ann/.config/kriptik/catalog.yaml'],
  ])('is %s', (_name, env, want) => {
    expect(overlayPath(env, '/home/ann')).toBe(want);
  });
});

describe('the catalog with the rows of a user', () => {
  const path = (): string => join(folder, 'below', 'catalog.yaml');

  it('is the shipped one where there are none', async () => {
    expect(await currentCatalog(path())).toEqual(shipped);
  });

  it('takes a newer price in place of the shipped one, and keeps what is not repeated', async () => {
    await writeOverlay(path(), { prices: [row()], models: [] });
    const { prices } = await currentCatalog(path());
    expect(priceOf(prices)).toBe('4.25');
    expect(prices.length).toBe(shipped.prices.length);
    expect(readdirSync(join(folder, 'below'))).toEqual(['catalog.yaml']);
  });

  it('keeps the shipped price where the own one is older', () => {
    expect(priceOf(mergePrices(shipped.prices, [row({ asOf: '2026-01-01' })]))).toBe(priceOf(shipped.prices));
  });

  it('adds an offer that was not there', () => {
    const own = row({ provider: 'garage', tier: 'own', usdPerGpuHour: '0.20' });
    expect(mergePrices(shipped.prices, [own])).toContainEqual(own);
  });

  it('pins a revision and follows a change of licence that it knows', async () => {
    const revision = 'a'.repeat(40);
    const facts = { id: 'phi-4', revision, gated: true, license: 'cc-by-nc-4.0', asOf: '2026-12-01', source: 'test' };
    const strange = { ...facts, id: 'phi-2', license: 'no-such-licence' };
    await writeOverlay(path(), { prices: [], models: [facts, strange] });
    const { models } = await currentCatalog(path());
    expect(models.find(({ id }) => id === 'phi-4')).toMatchObject({ revision, gated: true, commercialUse: 'no' });
    expect(models.find(({ id }) => id === 'phi-2')).toMatchObject({ revision, license: 'mit', commercialUse: 'yes' });
  });

  it.each([
    ['no YAML', 'prices: [', /catalog\.yaml/],
    ['an unknown field', 'prices: []\nprice: 3\n', /Unrecognized key/],
    ['a price that is no decimal', 'prices:\n  - { provider: x, usdPerGpuHour: 1 }\n', /prices\.0\./],
  ])('is refused for %s, with the file and the field', async (_name, text, message) => {
    mkdirSync(join(folder, 'below'));
    writeFileSync(path(), text);
    await expect(readOverlay(path())).rejects.toThrow(InvalidCatalog);
    await expect(readOverlay(path())).rejects.toThrow(message);
  });

  it('repeats nothing of a file that is no YAML', async () => {
    mkdirSync(join(folder, 'below'));
    writeFileSync(path(), 'prices: [\u001b[2Jboo\n"');
    await expect(readOverlay(path())).rejects.not.toThrow(/\n|boo/);
    await expect(readOverlay(path())).rejects.toThrow(/catalog\.yaml: .* at line \d/);
  });

  it('takes an empty file for no rows', async () => {
    mkdirSync(join(folder, 'below'));
    writeFileSync(path(), '');
    expect(await readOverlay(path())).toEqual({ prices: [], models: [] });
  });
});
