import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitOf, type HubFixture, startHub } from '../../test/support/hub.ts';
import { systemClock } from '../runtime/clock.ts';
import { memoryCache } from './cache.ts';
import { HubClient } from './client.ts';
import { hubFrom } from './config.ts';
import { datasetFacts, modelFacts } from './facts.ts';
import type { HubProblem } from './problem.ts';

/** What must hold of the Hub as of its stand-in; the live half runs where KRIPTIK_LIVE_HUB is 1 (HF_TOKEN is used). */

const live = env['KRIPTIK_LIVE_HUB'] === '1';
if (!live) process.stdout.write('The Hub itself is not asked: KRIPTIK_LIVE_HUB is not 1.\n');

const model = 'HuggingFaceTB/SmolLM2-135M-Instruct';
const dataset = 'rajpurkar/squad';
const gated = 'meta-llama/Llama-3.1-8B';
let fixture: HubFixture;

const targets: [name: string, client: () => HubClient][] = [
  [
    'the stand-in',
    () =>
      new HubClient({
        hubUrl: fixture.url,
        viewerUrl: fixture.viewerUrl,
        token: () => Promise.resolve(undefined),
        offline: false,
        cache: memoryCache(),
        now: () => systemClock.now(),
        timeoutMs: 60_000,
      }),
  ],
];
if (live) targets.push(['the Hub', () => hubFrom(env, { now: () => systemClock.now(), timeoutMs: 20_000 })]);

beforeAll(async () => {
  fixture = await startHub();
  const commits = [commitOf('newest')];
  fixture.models.push(
    {
      id: model,
      commits,
      fields: {
        pipeline_tag: 'text-generation',
        safetensors: { parameters: { BF16: 134_515_008 }, total: 134_515_008 },
        cardData: { license: 'apache-2.0', language: ['en'] },
      },
      config: { model_type: 'llama', hidden_size: 576, num_hidden_layers: 30 },
    },
    { id: gated, commits, gated: 'manual' },
  );
  const split = (name: string, rows: number) => ({ config: 'plain_text', split: name, num_rows: rows });
  const value = { dtype: 'string', _type: 'Value' };
  const features = { id: value, title: value, context: value, question: value, answers: value };
  fixture.datasets.push({
    id: dataset,
    commits,
    fields: { cardData: { license: 'cc-by-sa-4.0' } },
    size: { size: { splits: [split('train', 87_599), split('validation', 10_570)] } },
    info: { dataset_info: { plain_text: { features } } },
  });
});
afterAll(() => fixture.close());

describe.each(targets)('%s', { timeout: 120_000 }, (_name, client) => {
  it('knows a model, its commit, size and licence', async () => {
    const facts = modelFacts(await client().model(model));
    expect(facts).toMatchObject({ hub: model, license: 'apache-2.0', gated: false, parameters: 134_515_008 });
    expect(facts.revision).toMatch(/^[0-9a-f]{40}$/);
    expect(modelFacts(await client().model(model, facts.revision)).revision).toBe(facts.revision);
  });

  it("tells a model's dimensions", async () => {
    expect((await client().config(model, 'main')).value).toMatchObject({ hidden_size: 576, num_hidden_layers: 30 });
  });

  it('counts a dataset', async () => {
    const asked = client();
    const [about, size, info] = await Promise.all([asked.dataset(dataset), asked.size(dataset), asked.info(dataset)]);
    const facts = datasetFacts({ dataset: about, size, info });
    expect(facts).toMatchObject({ license: 'cc-by-sa-4.0', split: 'train', rows: 87_599, textual: true });
    expect(facts.columns).toEqual(expect.arrayContaining(['context', 'question', 'answers']));
  });

  it('tells what is gated', async () => {
    expect(modelFacts(await client().model(gated)).gated).toBe(true);
  });

  it.each([
    ['a missing repository', 'kriptik-nobody/nothing-at-all', undefined, 'NotFound'],
    ['a missing revision', model, 'no-such-branch', 'RevisionNotFound'],
  ])('says so for %s', async (_what, name, revision, kind) => {
    const problem = await client()
      .model(name, revision)
      .then(
        () => undefined,
        (error: HubProblem) => error,
      );
    expect(problem?.kind).toBe(kind);
  });

  it('finds a model by its name', async () => {
    const found = await client().search('model', 'SmolLM2-135M-Instruct');
    expect(found.map(({ name }) => name)).toContain(model);
  });
});
