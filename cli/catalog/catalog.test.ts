import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HubFixture, startHub } from '../../test/support/hub.ts';
import { type RunpodCatalogFixture, startRunpodCatalog } from '../../test/support/runpod-catalog.ts';
import { type Ran, runCli } from '../testing.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'catalog-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const own = (): string => join(folder, 'settings', 'catalog.yaml');

const catalog = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  runCli(['catalog', ...args], { env: { KRIPTIK_CATALOG: own(), ...env }, home: folder });

const json = async (args: readonly string[]): Promise<Record<string, unknown>[]> => {
  const { code, out } = await catalog([...args, '-o', 'json']);
  expect(code).toBe(0);
  return JSON.parse(out) as Record<string, unknown>[];
};

describe('kriptik catalog list', () => {
  it('narrows models by modality, size and what may be done with them', async () => {
    const rows = await json(['list', 'models', '--modality', 'llm', '--max-params', '1B', '--commercial']);
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) expect(row).toMatchObject({ modality: 'llm', commercialUse: 'yes' });
    expect(Math.max(...rows.map(({ parameters }) => Number(parameters)))).toBeLessThanOrEqual(1e9);
  });

  it.each([
    ['models by licence', ['list', 'models', '--license', 'MIT'], { license: 'mit' }],
    ['prices by provider', ['list', 'prices', '--provider', 'modal'], { provider: 'modal' }],
    ['data sets by task', ['list', 'datasets', '--task', 'text-to-sql'], { modality: 'code' }],
  ])('narrows %s', async (_name, args, want) => {
    const rows = await json(args);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatchObject(want);
  });

  it('lists GPUs that a provider prices', async () => {
    const ids = (await json(['list', 'gpus', '--provider', 'modal'])).map(({ id }) => id);
    expect(ids).toContain('T4-16GB');
    expect(ids).not.toContain('RTX-3080-10GB');
  });

  it.each(['models', 'gpus', 'prices', 'datasets', 'methods'])(
    'prints a table of %s without cut-off lines',
    async (kind) => {
      const { code, out, err } = await catalog(['list', kind]);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out.split('\n').length).toBeGreaterThan(8);
      expect(out).not.toMatch(/undefined|\[object/);
    },
  );

  it.each([
    ['a kind that is none', ['list', 'modles'], /no kind "modles"[\s\S]*"models"/],
    ['a filter that does nothing there', ['list', 'gpus', '--modality', 'llm'], /--modality does not apply to gpus/],
    ['a size that is none', ['list', '--max-params', 'tiny'], /billions above zero/],
  ])('refuses %s', async (_name, args, message) => {
    const { code, err } = await catalog(args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  it('says so where nothing passes', async () => {
    const { code, out, err } = await catalog(['list', 'models', '--license', 'nobody']);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toMatch(/No models pass/);
  });
});

describe('kriptik catalog show', () => {
  it.each([
    ['a model', 'meta-llama/Llama-3.1-8B-Instruct', /8,030,261,248[\s\S]*Built with Llama[\s\S]*source[\s\S]*as of/],
    ['a GPU with its prices', 'NVIDIA H200', /141 GB[\s\S]*Prices[\s\S]*runpod secure/],
    ['a data set', 'hf://datasets/openai/gsm8k', /split train[\s\S]*7,473[\s\S]*as of/],
    ['a method', 'qlora', /4 bits[\s\S]*as of/],
    ['a licence with what is under it', 'coqui-public-model', /xtts-v2/],
  ])('tells all of %s', async (_name, id, message) => {
    const { code, out } = await catalog(['show', id]);
    expect(code).toBe(0);
    expect(out).toMatch(message);
  });

  it('suggests what may have been meant', async () => {
    const { code, err } = await catalog(['show', 'lama-3.1-8b-instruct']);
    expect(code).toBe(3);
    expect(err).toMatch(/Did you mean "llama-3\.1-8b-instruct"/);
  });
});

describe('kriptik catalog check', () => {
  it('passes on the shipped data, and tells rows that are old or unverified', async () => {
    const { code, out } = await catalog(['check']);
    expect(code).toBe(0);
    expect(out).toMatch(/old prices {2}modal: 10 of 10/);
    expect(out).toMatch(/unverified {2}\d+ of \d+ models/);
  });

  it('fails on old prices when asked to', async () => {
    expect((await catalog(['check', '--strict'])).code).toBe(1);
  });

  it.each([
    ['that cannot be read', 'prices: [', /catalog\.yaml/],
    [
      'for a GPU that is not known',
      'prices:\n  - { provider: me, tier: own, gpu: Z9, instance: box, gpus: 1, usdPerGpuHour: "1", asOf: "2026-11-01", verified: true, source: me }\n',
      /no GPU Z9/,
    ],
  ])('fails on own rows %s, and still tells the rest', async (_name, text, message) => {
    mkdirSync(join(folder, 'settings'));
    writeFileSync(own(), text);
    const { code, out, err } = await catalog(['check']);
    expect(code).toBe(1);
    expect(out).toMatch(message);
    expect(out).toMatch(/213|models/);
    expect(err).toMatch(/a fault/);
  });
});

describe('kriptik catalog refresh', () => {
  let runpod: RunpodCatalogFixture;
  let hub: HubFixture;
  beforeAll(async () => {
    [runpod, hub] = await Promise.all([
      startRunpodCatalog([{ id: 'NVIDIA H100 80GB HBM3', secure: 9.99, community: 8.88 }]),
      startHub(),
    ]);
  });
  afterAll(() => Promise.all([runpod.close(), hub.close()]));
  beforeEach(() => {
    runpod.outage = undefined;
  });
  const run = (args: readonly string[]): Promise<Ran> =>
    catalog(['refresh', ...args], {
      RUNPOD_API_URL: runpod.url,
      RUNPOD_API_KEY: runpod.key,
      HF_ENDPOINT: hub.url,
      KRIPTIK_HUB_VIEWER: hub.viewerUrl,
    });

  it('keeps new prices, which list and show then tell', async () => {
    const { code, out, err } = await run(['--source', 'runpod']);
    expect(code).toBe(0);
    expect(out).toBe('runpod: 2 rows, 2 of them changed\n');
    expect(err).toContain(own());
    expect(readFileSync(own(), 'utf8')).not.toContain(runpod.key);
    expect((await catalog(['show', 'H100-SXM-80GB'])).out).toMatch(/9\.99 USD\/h {2}runpod secure/);
  });

  it('loses nothing when the provider fails later', async () => {
    await run(['--source', 'runpod']);
    const before = readFileSync(own(), 'utf8');
    runpod.outage = { status: 500, body: {} };
    const { code, out, err } = await run(['--source', 'runpod']);
    expect(code).toBe(1);
    expect(out).toBe('runpod: failed\n');
    expect(err).toMatch(/status 500[\s\S]*stays in use/);
    expect(readFileSync(own(), 'utf8')).toBe(before);
  });

  it('keeps what one source gave where the other fails', async () => {
    const { code, out } = await run(['--timeout', '5']);
    expect(code).toBe(0);
    expect(out).toMatch(/hub: 0 rows[\s\S]*and \d+ more/);
    hub.outage = 'reset';
    const half = await run([]);
    hub.outage = undefined;
    expect(half.code).toBe(1);
    expect(half.out).toMatch(/runpod: 2 rows[\s\S]*hub: failed/);
    expect(existsSync(own())).toBe(true);
  });

  it('says where it cannot write', async () => {
    writeFileSync(join(folder, 'settings'), 'a file, not a folder');
    const { code, err } = await run(['--source', 'runpod']);
    expect(code).toBe(1);
    expect(err).toMatch(/cannot be kept[\s\S]*KRIPTIK_CATALOG/);
  });

  it('asks about a model it knows only', async () => {
    expect((await run(['--model', 'no-such'])).code).toBe(3);
  });
});
