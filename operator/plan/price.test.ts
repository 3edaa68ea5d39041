import type { Contract } from '@kriptik/crds';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commitOf, type HubFixture, startHub } from '../../test/support/hub.ts';
import { memoryCache } from '../hub/cache.ts';
import { HubClient } from '../hub/client.ts';
import { noPolicy } from '../planner/policy.ts';
import { catalog, makeContract, rented } from '../planner/test-builders.ts';
import type { Recommendation } from '../planner/types.ts';
import { type PriceInput, priceWithHub, verification } from './price.ts';

const first = commitOf('first');
const second = commitOf('second');
const base = 'Qwen/Qwen2.5-7B-Instruct';
const data = [{ uri: 'hf://datasets/acme/faq' }];
const faq = (rows: number) => ({
  size: {
    splits: [{ dataset: 'acme/faq', config: 'default', split: 'train', num_rows: rows, num_bytes_memory: rows * 800 }],
  },
});
const text = { dtype: 'string', _type: 'Value' };

let hub: HubFixture;
beforeAll(async () => {
  hub = await startHub();
});
beforeEach(() => {
  hub.models.push(
    { id: base, commits: [first] },
    {
      id: 'acme/Talker-3B',
      commits: [first],
      fields: { safetensors: { total: 3_000_000_000 }, cardData: { license: 'mit' }, pipeline_tag: 'text-generation' },
      config: {
        hidden_size: 3072,
        num_hidden_layers: 28,
        num_attention_heads: 24,
        num_key_value_heads: 8,
        intermediate_size: 8192,
        vocab_size: 128_256,
      },
    },
  );
  hub.datasets.push({
    id: 'acme/faq',
    commits: [first],
    size: faq(4000),
    info: { dataset_info: { default: { features: { question: text, answer: text } } } },
  });
});
afterEach(() => {
  hub.models.length = 0;
  hub.datasets.length = 0;
  hub.outage = undefined;
});
afterAll(() => hub.close());

const client = (token?: string, now = 0): HubClient =>
  new HubClient({
    hubUrl: hub.url,
    viewerUrl: hub.viewerUrl,
    token: () => Promise.resolve(token),
    offline: false,
    cache: memoryCache(),
    now: () => now,
  });

const price = (contract: Partial<Contract> = {}, change: Partial<PriceInput> = {}) =>
  priceWithHub({
    plan: {
      spec: {
        goalRef: { name: 'faq', uid: 'uid-1' },
        contract: makeContract({ data, constraints: { model: base }, ...contract }, '200.00'),
      },
    },
    market: { catalog, machine: { cpus: 2, memoryBytes: 16e9 } },
    providers: [],
    offers: [rented('A100-SXM-80GB', '1.90')],
    policy: noPolicy,
    sources: [],
    hub: client(),
    pin: true,
    now: Date.parse('2026-11-23T00:00:00Z'),
    ...change,
  });

async function planned(...input: Parameters<typeof price>): Promise<Recommendation> {
  const { result } = await price(...input);
  if ('blocked' in result) throw new Error(`${result.blocked.reason}: ${result.blocked.message}`);
  return result;
}

async function blocked(...input: Parameters<typeof price>) {
  const { result } = await price(...input);
  if (!('blocked' in result)) throw new Error('the plan was made');
  return result.blocked;
}

describe('a plan priced with the Hub', () => {
  it('counts the rows of its data and is bound to commits', async () => {
    const { resolved } = await planned();
    expect(resolved.model).toMatchObject({ source: `hf://${base}`, revision: first });
    expect(resolved.data[0]).toMatchObject({ revision: first, rowsEstimate: 4000, tokensEstimate: 800_000 });
  });

  it('stays at its commits while it waits for approval', async () => {
    const before = (await planned()).resolved;
    hub.models.push({ ...(hub.models.shift() ?? { id: base }), commits: [second, first] });
    hub.datasets.push({ ...(hub.datasets.shift() ?? { id: 'acme/faq' }), commits: [second, first] });
    expect((await planned()).resolved.model.revision).toBe(second);
    expect((await planned({}, { before })).resolved).toEqual(before);
  });

  it('does not change when the Hub falls silent', async () => {
    const asked = client();
    const before = (await planned({}, { hub: asked })).resolved;
    hub.outage = { status: 503 };
    // The second has lost its cache, as after a restart.
    expect((await planned({}, { before, hub: asked })).resolved).toEqual(before);
    expect((await planned({}, { before })).resolved).toEqual(before);
  });

  it('says that its facts are those of today', async () => {
    expect(verification(await price(), catalog)).toMatchObject({ verified: true, reason: 'Verified' });
  });

  it('is made from the catalog while the Hub is out of reach, and says so', async () => {
    hub.outage = 'reset';
    const priced = await price({ data: [{ uri: 's3://bucket/faq.jsonl', rows: 500 }] });
    expect('blocked' in priced.result).toBe(false);
    expect(verification(priced, catalog)).toMatchObject({
      verified: false,
      reason: 'Unreachable',
      message: expect.stringMatching(/^Not verified today: .* Facts of the catalog of \d{4}-\d{2}-\d{2} stand in\./),
    });
  });

  it('takes a model that only the Hub knows', async () => {
    const { resolved } = await planned({ constraints: { model: 'acme/Talker-3B' } });
    expect(resolved.model).toMatchObject({
      source: 'hf://acme/Talker-3B',
      revision: first,
      parameters: 3_000_000_000,
      license: 'mit',
    });
  });

  it('plans nothing else in the place of a model that nobody can be asked about', async () => {
    hub.outage = 'reset';
    const named = { constraints: { model: 'acme/Hermes-Llama-3.1-8B' } };
    expect((await price(named)).unverified).toMatchObject([{ kind: 'Unreachable' }]);
    const found = await blocked(named);
    expect(found.reason).toBe('NoSuitableModel');
    expect(found.message).toMatch(
      /^spec\.constraints\.model: the catalog does not list acme\/Hermes-Llama-3\.1-8B, and the Hub could not be asked/,
    );
    const former = await planned({ constraints: { model: 'Qwen/Qwen2.5-7B-Instruct-Former' } });
    expect(former.resolved.model.source).toMatch(/^hf:\/\/Qwen\//);
  });

  it.each<[name: string, contract: Partial<Contract>, reason: string, message: RegExp]>([
    [
      'a model that does not exist',
      { constraints: { model: 'acme/nothing' } },
      'NoSuitableModel',
      /^spec\.constraints\.model: model acme\/nothing does not exist/,
    ],
    [
      'data that does not exist',
      { data: [...data, { uri: 'hf://datasets/acme/gone' }] },
      'DataUnreadable',
      /^spec\.data\[1\]\.uri: dataset acme\/gone does not exist/,
    ],
    [
      'a revision that does not exist',
      { data: [{ uri: 'hf://datasets/acme/faq', revision: 'v9' }] },
      'DataUnreadable',
      /^spec\.data\[0\]\.revision: dataset acme\/faq has no revision v9/,
    ],
    [
      'a split that does not exist',
      { data: [{ uri: 'hf://datasets/acme/faq', split: 'nope' }] },
      'DataUnreadable',
      /^spec\.data\[0\]\.split: dataset acme\/faq has no split nope\. It has train/,
    ],
  ])('names the field for %s', async (_name, contract, reason, message) => {
    const found = await blocked(contract);
    expect(found.reason).toBe(reason);
    expect(found.message).toMatch(message);
    expect(found.remedy).not.toBe('');
  });

  it('tells names that are alike', async () => {
    hub.models.push({ id: 'other/nothing-7B', commits: [first] });
    expect((await blocked({ constraints: { model: 'acme/nothing' } })).remedy).toMatch(
      /The Hub has other\/nothing-7B$/,
    );
    const { message } = await blocked({ data: [{ uri: 'hf://datasets/amce/faq' }] });
    expect(message).toMatch(/dataset amce\/faq does not exist .* The Hub has acme\/faq$/);
  });

  it('does not take gated data without a token, and says where its terms are', async () => {
    hub.datasets.push({ ...(hub.datasets.shift() ?? { id: 'acme/faq' }), gated: 'auto' });
    expect((await blocked()).message).toMatch(/acme\/faq is gated: .*Accept the terms/);
    expect((await planned({}, { hub: client(hub.token) })).resolved.data[0]?.revision).toBe(first);
  });

  it('asks nobody about what the catalog lists, where it is not bound to commits', async () => {
    const [listed] = catalog.datasets.filter(({ modality }) => modality === 'llm');
    const seen = hub.seen.length;
    const contract = { data: [{ uri: `hf://datasets/${listed?.hub ?? ''}` }] };
    const { resolved } = await planned(contract, { pin: false });
    expect(hub.seen).toHaveLength(seen);
    expect(resolved.data[0]?.revision).toBeUndefined();
  });
});
