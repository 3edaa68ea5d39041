import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Reply } from '../../test/support/http-fixture.ts';
import { commitOf, type HubFixture, startHub } from '../../test/support/hub.ts';
import { type RunpodCatalogFixture, startRunpodCatalog } from '../../test/support/runpod-catalog.ts';
import { loadCatalog } from '../catalog/catalog.ts';
import { findModel } from '../catalog/lookup.ts';
import type { Overlay } from '../catalog/schema/overlay.ts';
import { hubFrom } from '../hub/config.ts';
import { refresh, type Source, type SourceReport } from './refresh.ts';

const catalog = loadCatalog();
const H100 = { id: 'NVIDIA H100 80GB HBM3', secure: 4.150000095367432, community: 2.89 };
const NONE: Overlay = { prices: [], models: [] };

let runpod: RunpodCatalogFixture;
let hub: HubFixture;
beforeAll(async () => {
  [runpod, hub] = await Promise.all([startRunpodCatalog([]), startHub()]);
});
afterAll(() => Promise.all([runpod.close(), hub.close()]));
beforeEach(() => {
  runpod.gpus = [H100];
  runpod.outage = undefined;
  hub.outage = undefined;
  hub.models.length = 0;
});

interface Fields {
  readonly key?: string | undefined;
  readonly overlay?: Overlay;
  readonly models?: readonly string[];
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

function ask(sources: readonly Source[], fields: Fields = {}): ReturnType<typeof refresh> {
  const { overlay = NONE, models = [], timeoutMs = 60_000, signal = new AbortController().signal } = fields;
  return refresh({
    catalog,
    overlay,
    sources,
    models: models.map((id) => findModel(catalog, id)).filter((model) => model !== undefined),
    hub: hubFrom({ HF_ENDPOINT: hub.url, KRIPTIK_HUB_VIEWER: hub.viewerUrl }, { now: () => 0, timeoutMs }),
    runpod: { url: runpod.url, key: 'key' in fields ? fields.key : runpod.key, timeoutMs, signal },
    today: '2026-12-01',
  });
}

const only = (reports: readonly SourceReport[]): SourceReport => {
  const [report] = reports;
  if (report === undefined || reports.length > 1) throw new Error('expected one report');
  return report;
};

describe('refreshing prices from RunPod', () => {
  it('takes both clouds, dated today and rounded to what is meant', async () => {
    const { overlay, reports } = await ask(['runpod']);
    expect(overlay.prices.map(({ tier, gpu, usdPerGpuHour, asOf }) => [tier, gpu, usdPerGpuHour, asOf])).toEqual([
      ['secure', 'H100-SXM-80GB', '4.15', '2026-12-01'],
      ['community', 'H100-SXM-80GB', '2.89', '2026-12-01'],
    ]);
    expect(only(reports)).toMatchObject({ result: 'refreshed', rows: 2, changed: 2 });
    expect(runpod.seen.at(-1)?.headers.authorization).toBe(`Bearer ${runpod.key}`);
  });

  it('leaves out a cloud that does not offer the GPU, and names a GPU it does not know', async () => {
    runpod.gpus = [
      { ...H100, community: 0 },
      { id: 'NVIDIA Z9', secure: 1 },
    ];
    const { overlay, reports } = await ask(['runpod']);
    expect(overlay.prices.map(({ tier }) => tier)).toEqual(['secure']);
    expect(only(reports).unknown).toEqual(['NVIDIA Z9']);
  });

  it('keeps rows of before that are not repeated', async () => {
    const before = await ask(['runpod']);
    runpod.gpus = [{ id: 'NVIDIA L40S', secure: 1.2 }];
    const { overlay } = await ask(['runpod'], { overlay: before.overlay });
    expect(overlay.prices.map(({ gpu }) => gpu)).toEqual(['H100-SXM-80GB', 'H100-SXM-80GB', 'L40S-48GB']);
  });

  const gpus = (price: unknown): Reply => ({
    status: 200,
    body: { gpus: [{ id: H100.id, secure: true, community: true, price }] },
  });
  it.each<[string, Reply, RegExp, RegExp]>([
    ['a server error', { status: 503, body: {} }, /status 503/, /later/],
    ['a rate limit', { status: 429, headers: { 'retry-after': '12' }, body: {} }, /asks to wait/, /12 s/],
    ['a key without rights', { status: 403, body: {} }, /no prices/, /read access/],
    ['a broken connection', 'reset', /cannot be reached/, /network/],
    ['no answer', 'silence', /in time/, /--timeout/],
    ['an answer that stops half way', 'stall', /in time/, /--timeout/],
    ['a page that is no JSON', { status: 200, body: '<html>' }, /no JSON/, /later/],
    ['another form', { status: 200, body: { gpus: [{ id: 'x' }] } }, /gpus\.0\.secure/, /newer/],
    ['a negative price', gpus({ secure: -1, community: 0 }), /price\.secure/, /newer/],
  ])('says why and keeps the old rows after %s', async (_name, reply, message, remedy) => {
    const before = await ask(['runpod']);
    runpod.outage = reply;
    const timeoutMs = reply === 'silence' || reply === 'stall' ? 300 : 60_000;
    const { overlay, reports } = await ask(['runpod'], { overlay: before.overlay, timeoutMs });
    expect(overlay).toEqual(before.overlay);
    expect(only(reports).result).toBe('failed');
    expect(only(reports).problem?.message).toMatch(message);
    expect(only(reports).problem?.remedy).toMatch(remedy);
  });

  it.each([
    ['no key', undefined, /needs a key/],
    ['a wrong key', 'rpa_wrong', /does not accept the key/],
  ])('asks for a good key with %s, and never repeats it', async (_name, key, message) => {
    const { reports } = await ask(['runpod'], { key });
    expect(only(reports).problem?.message).toMatch(message);
    expect(JSON.stringify(reports)).not.toContain('rpa_');
  });

  it('stops when it is interrupted', async () => {
    runpod.outage = 'silence';
    const interrupt = new AbortController();
    const asked = ask(['runpod'], { signal: interrupt.signal });
    interrupt.abort();
    expect(only((await asked).reports).problem?.message).toMatch(/interrupted/);
  });
});

describe('refreshing facts of models from the Hub', () => {
  const commits = [commitOf('phi')];

  it('pins the commit and tells what the Hub says otherwise', async () => {
    hub.models.push({
      id: 'microsoft/phi-2',
      commits,
      gated: 'auto',
      fields: { cardData: { license: 'strange-1.0' }, safetensors: { total: 5_000_000_000, parameters: {} } },
    });
    const { overlay, reports } = await ask(['hub'], { models: ['phi-2'] });
    expect(overlay.models).toMatchObject([{ id: 'phi-2', revision: commits[0], gated: true, asOf: '2026-12-01' }]);
    expect(overlay.models[0]).not.toHaveProperty('license');
    expect(only(reports).unknown.join('\n')).toMatch(/licence strange-1\.0[\s\S]*5000000000 parameters/);
  });

  it('names a model that is gone and keeps what the others said', async () => {
    hub.models.push({ id: 'microsoft/phi-2', commits });
    const { overlay, reports } = await ask(['hub'], { models: ['phi-2', 'phi-4'] });
    expect(overlay.models.map(({ id }) => id)).toEqual(['phi-2']);
    expect(only(reports)).toMatchObject({ result: 'refreshed', rows: 1 });
    expect(only(reports).unknown.join()).toMatch(/microsoft\/phi-4/);
  });

  it('fails as a whole where the Hub does not answer, while prices are refreshed', async () => {
    hub.outage = 'reset';
    const { overlay, reports } = await ask(['runpod', 'hub'], { models: ['phi-2', 'phi-4'] });
    expect(reports.map(({ source, result }) => [source, result])).toEqual([
      ['runpod', 'refreshed'],
      ['hub', 'failed'],
    ]);
    expect(overlay.prices).toHaveLength(2);
  });
});
