import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Reply } from '../../test/support/http-fixture.ts';
import { commitOf, type HubFixture, startHub } from '../../test/support/hub.ts';
import { loadCatalog } from '../catalog/catalog.ts';
import { type AnswerCache, diskCache, memoryCache } from './cache.ts';
import { HubClient, type HubOptions } from './client.ts';
import { enrichCatalog, pinnedModel } from './enrich.ts';
import { datasetFacts, modelFacts } from './facts.ts';
import { HubProblem } from './problem.ts';

const first = commitOf('first');
const second = commitOf('second');
const llama = {
  model_type: 'llama',
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14_336,
  vocab_size: 128_256,
  max_position_embeddings: 131_072,
};
const value = (dtype: string) => ({ dtype, _type: 'Value' });
const split = (name: string, rows: number, config = 'default') => ({
  dataset: 'acme/faq',
  config,
  split: name,
  num_rows: rows,
  num_bytes_memory: rows * 400,
});

let hub: HubFixture;
beforeAll(async () => {
  hub = await startHub();
});
beforeEach(() => {
  hub.models.push(
    {
      id: 'acme/Talker-8B-Instruct',
      commits: [second, first],
      fields: {
        pipeline_tag: 'text-generation',
        safetensors: { total: 8_030_261_248, parameters: { BF16: 8_030_261_248 } },
        cardData: { license: 'apache-2.0', language: ['en', 'de'] },
      },
      config: llama,
    },
    { id: 'acme/secret', commits: [first], private: true },
    { id: 'acme/terms', commits: [first], gated: 'manual', fields: { tags: ['license:llama3.1'] } },
  );
  hub.datasets.push({
    id: 'acme/faq',
    commits: [first],
    fields: { cardData: { license: 'CC-BY-4.0' } },
    size: { size: { splits: [split('test', 100), split('train', 900)] }, partial: false },
    info: { dataset_info: { default: { features: { question: value('string'), answer: value('string') } } } },
  });
});
afterEach(() => {
  hub.models.length = 0;
  hub.datasets.length = 0;
  hub.replies.length = 0;
  hub.outage = undefined;
});
afterAll(() => hub.close());

function client(change: Partial<HubOptions> & { readonly withToken?: boolean } = {}): HubClient {
  const { withToken = false, ...options } = change;
  return new HubClient({
    hubUrl: hub.url,
    viewerUrl: hub.viewerUrl,
    token: () => Promise.resolve(withToken ? hub.token : undefined),
    offline: false,
    cache: memoryCache(),
    now: () => 0,
    timeoutMs: 60_000,
    ...options,
  });
}

const problem = async (answer: Promise<unknown>): Promise<HubProblem> => {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HubProblem) return error;
  throw new Error('expected a HubProblem', { cause: error });
};

describe('facts of the Hub', () => {
  it('tell commit, licence, size and languages of a model', async () => {
    expect(modelFacts(await client().model('acme/Talker-8B-Instruct'))).toEqual({
      hub: 'acme/Talker-8B-Instruct',
      revision: second,
      license: 'apache-2.0',
      gated: false,
      parameters: 8_030_261_248,
      task: 'text-generation',
      languages: ['en', 'de'],
      verifiedAt: '1970-01-01T00:00:00.000Z',
    });
  });

  it('read a licence from tags, and gating', async () => {
    expect(modelFacts(await client().model('acme/terms'))).toMatchObject({ license: 'llama3.1', gated: true });
  });

  it('count the rows of the split to train on', async () => {
    const asked = client();
    const [dataset, size, info] = await Promise.all([
      asked.dataset('acme/faq'),
      asked.size('acme/faq'),
      asked.info('acme/faq'),
    ]);
    expect(datasetFacts({ dataset, size, info })).toEqual({
      hub: 'acme/faq',
      revision: first,
      license: 'cc-by-4.0',
      gated: false,
      splits: ['test', 'train'],
      split: 'train',
      rows: 900,
      bytes: 360_000,
      columns: ['question', 'answer'],
      textual: true,
      verifiedAt: '1970-01-01T00:00:00.000Z',
    });
    expect(datasetFacts({ dataset, size }, 'test').rows).toBe(100);
    expect(datasetFacts({ dataset, size }, 'nonsense').rows).toBeUndefined();
    expect(datasetFacts({ dataset }).rows).toBeUndefined();
  });

  it('estimate the rows of a dataset that was converted in part', async () => {
    const dataset = await client().dataset('acme/faq');
    const part = { ...split('train', 1000), estimated_num_rows: 5000 };
    const size = { value: { size: { splits: [part] }, partial: true }, at: 0, stale: false };
    expect(datasetFacts({ dataset, size })).toMatchObject({ rows: 5000, bytes: 2_000_000 });
  });

  it('tell pictures and sound from text', async () => {
    const dataset = await client().dataset('acme/faq');
    const features = { image: { _type: 'Image' }, caption: value('string') };
    const info = { value: { dataset_info: { default: { features } } }, at: 0, stale: false };
    expect(datasetFacts({ dataset, info }).textual).toBe(false);
  });

  it('find models and datasets by name', async () => {
    expect((await client().search('model', 'talker')).map(({ name }) => name)).toEqual(['acme/Talker-8B-Instruct']);
    expect((await client().search('dataset', 'faq')).map(({ name }) => name)).toEqual(['acme/faq']);
  });

  it('need a token for what is private', async () => {
    expect((await problem(client().model('acme/secret'))).kind).toBe('NotFound');
    expect((await client({ withToken: true }).model('acme/secret')).value.sha).toBe(first);
  });

  it('say whether a gated repository may be read', async () => {
    expect((await problem(client().mayRead('model', 'acme/terms'))).kind).toBe('Gated');
    await expect(client({ withToken: true }).mayRead('model', 'acme/terms')).resolves.toBeUndefined();
  });
});

describe('a Hub that gives no answer', () => {
  const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' };
  it.each<[name: string, reply: Reply, kind: string, passing: boolean]>([
    ['a rate limit', { status: 429, headers: { ratelimit: '"api";r=0;t=55' } }, 'RateLimited', true],
    ['a fault', { status: 500 }, 'Unavailable', true],
    ['a gateway', { status: 503, body: 'Service Unavailable' }, 'Unavailable', true],
    ['a token that is refused', { status: 403, body: { error: 'Forbidden' } }, 'TokenRefused', true],
    ['a page of a proxy', page, 'BadAnswer', true],
    ['another shape', { status: 200, body: { id: 'acme/x' } }, 'BadAnswer', true],
    ['a missing revision', { status: 404, headers: { 'x-error-code': 'RevisionNotFound' } }, 'RevisionNotFound', false],
    ['a reset connection', 'reset', 'Unreachable', true],
  ])('because of %s says what to do', async (_name, reply, kind, passing) => {
    hub.replies.push(reply);
    const found = await problem(client({ withToken: true }).model('acme/Talker-8B-Instruct'));
    expect([found.kind, found.passing]).toEqual([kind, passing]);
    expect(found.remedy).not.toBe('');
    expect(JSON.stringify([found.message, found.remedy])).not.toContain(hub.token);
  });

  it('because the token is wrong says so', async () => {
    const found = await problem(client({ token: () => Promise.resolve('hf_wrong') }).model('acme/faq'));
    expect(found.kind).toBe('TokenRefused');
    expect(found.message).not.toContain('hf_wrong');
  });

  it('because no token can be had says so', async () => {
    const token = () => Promise.reject(new Error('Secret kriptik-system/kriptik-huggingface does not exist'));
    expect(await problem(client({ token }).model('acme/faq'))).toMatchObject({
      kind: 'TokenMissing',
      message: 'Secret kriptik-system/kriptik-huggingface does not exist',
    });
  });

  it.each(['silence', 'stall'] as const)('because of %s is given up in time', async (outage) => {
    hub.outage = outage;
    expect((await problem(client({ timeoutMs: 100 }).model('acme/faq'))).kind).toBe('Unreachable');
  });

  it('is not waited for again within a minute', async () => {
    let now = 0;
    const asked = client({ now: () => now });
    hub.outage = 'reset';
    await problem(asked.model('acme/Talker-8B-Instruct'));
    const seen = hub.seen.length;
    await problem(asked.dataset('acme/faq'));
    expect(hub.seen).toHaveLength(seen);
    hub.outage = undefined;
    now = 60_000;
    expect((await asked.dataset('acme/faq')).value.sha).toBe(first);
  });

  it('is not asked again within a minute for what does not exist', async () => {
    let now = 0;
    const asked = client({ now: () => now });
    await problem(asked.dataset('acme/soon'));
    const seen = hub.seen.length;
    hub.datasets.push({ id: 'acme/soon', commits: [first] });
    expect((await problem(asked.dataset('acme/soon'))).kind).toBe('NotFound');
    expect(hub.seen).toHaveLength(seen);
    now = 60_000;
    expect((await asked.dataset('acme/soon')).value.sha).toBe(first);
  });

  it('is not asked at all when told to be offline', async () => {
    const seen = hub.seen.length;
    expect((await problem(client({ offline: true }).model('acme/Talker-8B-Instruct'))).kind).toBe('Offline');
    expect(await client({ offline: true }).reachable()).toBe(false);
    expect(hub.seen).toHaveLength(seen);
  });

  it('counts as reachable when it refuses, not when it is silent', async () => {
    hub.replies.push({ status: 403 });
    const asked = client();
    expect(await asked.reachable()).toBe(true);
    const seen = hub.seen.length;
    expect(await asked.reachable()).toBe(true);
    expect(hub.seen).toHaveLength(seen);
    hub.replies.push('reset');
    expect(await client().reachable()).toBe(false);
  });

  it.each(['../../etc/passwd', 'a/b/c', 'a b', 'a?b', 'a/..', ''])('is not asked for the name "%s"', async (name) => {
    const seen = hub.seen.length;
    expect((await problem(client().model(name))).kind).toBe('NotFound');
    expect(hub.seen).toHaveLength(seen);
  });

  it('has at most four requests to answer at a time', async () => {
    const gate = Promise.withResolvers<Reply>();
    hub.outage = gate.promise;
    const asked = client({ timeoutMs: 60_000 });
    const names = Array.from({ length: 9 }, (_, index) => `acme/model-${index}`);
    const before = hub.seen.length;
    const seen = (name: string) => hub.seen.slice(before).filter(({ path }) => path.includes(name)).length;
    const answers = Promise.allSettled(names.map((name) => asked.model(name)));
    await expect.poll(() => seen('acme/model-')).toBeGreaterThanOrEqual(4);
    // Whatever else was sent has come before what is sent now.
    const last = client({ timeoutMs: 60_000 }).model('acme/last');
    await expect.poll(() => seen('acme/last')).toBe(1);
    expect(seen('acme/model-')).toBe(4);
    gate.resolve({ status: 500 });
    await Promise.allSettled([answers, last]);
    expect(seen('acme/model-')).toBe(9);
  });
});

describe('answers of the Hub', () => {
  it.each(['memory', 'disk'])('are asked for once in ten minutes and kept in %s for an outage', async (where) => {
    const directory = await mkdtemp(join(tmpdir(), 'kriptik-hub-'));
    const cacheOf = (): AnswerCache => (where === 'disk' ? diskCache(directory) : memory);
    const memory = memoryCache();
    let now = 0;
    await client({ cache: cacheOf() }).model('acme/Talker-8B-Instruct');
    const seen = hub.seen.length;
    const later = client({ cache: cacheOf(), now: () => now });
    now = 599_999;
    expect(await later.model('acme/Talker-8B-Instruct')).toMatchObject({ at: 0, stale: false });
    expect(hub.seen).toHaveLength(seen);
    now = 600_000;
    hub.outage = { status: 503 };
    expect(await later.model('acme/Talker-8B-Instruct')).toMatchObject({ at: 0, stale: true });
    hub.outage = undefined;
    expect(await later.model('acme/Talker-8B-Instruct')).toMatchObject({ at: 600_000, stale: false });
    const files = await readdir(directory);
    expect(files.every((name) => name.endsWith('.json'))).toBe(true);
    expect(files.length > 0).toBe(where === 'disk');
    await rm(directory, { recursive: true });
  });
});

describe('a model that only the Hub knows', () => {
  const catalog = loadCatalog();
  const contract = (model: string, stated = true) => ({
    modality: 'llm' as const,
    constraints: stated ? { model } : {},
    ...(stated ? {} : { model }),
  });

  it('becomes a row like those of the catalog', async () => {
    const enriched = await enrichCatalog(catalog, contract('acme/Talker-8B-Instruct'), client());
    const row = 'catalog' in enriched ? enriched.catalog.models.at(-1) : undefined;
    expect(row).toMatchObject({
      id: 'talker-8b-instruct',
      variant: 'instruct',
      size: '8.03',
      revision: second,
      parameters: 8_030_261_248,
      context: 131_072,
      license: 'apache-2.0',
      commercialUse: 'yes',
      languages: ['en', 'de'],
      modality: 'llm',
      shape: { hidden: 4096, layers: 32, heads: 32, kvHeads: 8, feedForward: 14_336, vocabulary: 128_256 },
    });
  });

  it('is not asked about when the catalog knows it, or no Hub name is given', async () => {
    const [known] = catalog.models;
    const seen = hub.seen.length;
    for (const name of [known?.hub ?? '', 'llama-3-8b']) {
      expect(await enrichCatalog(catalog, contract(name), client())).toEqual({ catalog });
    }
    expect(hub.seen).toHaveLength(seen);
  });

  it.each([
    ['a field', true, 'spec.constraints.model'],
    ['the text', false, 'spec.goal'],
  ])('and does not exist is told at %s', async (_name, stated, field) => {
    const enriched = await enrichCatalog(catalog, contract('acme/nothing', stated), client({ withToken: true }));
    expect(enriched).toMatchObject({ problem: { field, message: 'model acme/nothing does not exist on the Hub' } });
  });

  it('and tells no size cannot be planned', async () => {
    const enriched = await enrichCatalog(catalog, contract('acme/terms'), client({ withToken: true }));
    expect(enriched).toMatchObject({ problem: { message: expect.stringContaining('safetensors') } });
  });

  it('leaves the catalog as it is while the Hub is out of reach', async () => {
    hub.outage = 'reset';
    expect(await enrichCatalog(catalog, contract('acme/Talker-8B-Instruct'), client())).toMatchObject({
      catalog,
      unasked: { name: 'acme/Talker-8B-Instruct', why: { kind: 'Unreachable' } },
    });
  });

  it('stays at the commit that was priced', async () => {
    const name = 'acme/Talker-8B-Instruct';
    const commitFrom = async (asked: HubClient, pinned?: string) =>
      (await pinnedModel(asked, name, pinned)).facts?.revision;
    expect(await commitFrom(client())).toBe(second);
    expect(await commitFrom(client(), first)).toBe(first);
    expect(await commitFrom(client(), commitOf('rewritten away'))).toBe(second);
    expect(await commitFrom(client({ offline: true }), first)).toBe(first);
    expect(await pinnedModel(client({ offline: true }), name, undefined)).toMatchObject({
      problem: { kind: 'Offline' },
    });
  });
});
