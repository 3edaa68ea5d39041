import { describe, expect, it } from 'vitest';
import { publishedMarket } from './market.ts';
import { catalog, makeContract, planned } from './test-builders.ts';

const providers = publishedMarket(catalog);
const plan = (fields: Parameters<typeof makeContract>[0], dataFacts: Parameters<typeof planned>[0] = {}) =>
  planned({
    contract: makeContract({ data: [{ uri: 's3://desk/tickets', rows: 5000 }], ...fields }, '500.00'),
    providers,
    dataFacts: [],
    ...dataFacts,
  });

describe('the reasons of a plan', () => {
  it('name every setting, the card and the price, each with a sentence', () => {
    const { why, resolved } = plan({});
    const what = why.map((reason) => reason.what);
    expect(what).toEqual(
      expect.arrayContaining([
        'base model',
        'method',
        'not Full fine-tune',
        'learning rate',
        'scheduler',
        'batch',
        'rank',
        'alpha',
        'longest row',
        'precision',
        'gradient checkpointing',
        'passes and steps',
        'compute',
        'advised cards',
        'expected cost',
        'range',
      ]),
    );
    expect(why.filter(({ because }) => !/^[A-Z0-9$].*[.!]$/s.test(because))).toEqual([]);
    expect(why.find((reason) => reason.what === 'learning rate')?.value).toBe(resolved.hyperparameters.learningRate);
  });

  it('say that the goal set what it set', () => {
    const { why } = plan({ constraints: { learningRate: '0.00007', batchSize: 2, maxLength: 777, epochs: 2 } });
    for (const what of ['learning rate', 'batch', 'longest row']) {
      expect(why.find((reason) => reason.what === what)?.because).toMatch(/^The goal sets it/);
    }
  });
});

describe('the reasons of settings', () => {
  const because = (fields: Parameters<typeof plan>[0], what: string) =>
    plan(fields).why.find((reason) => reason.what === what)?.because;
  const pictures = { modality: 'image', capability: 'text-to-image-style', methods: ['lora'] } as const;
  const clips = { modality: 'video', capability: 'text-to-video', methods: ['lora'] } as const;
  const few = { data: [{ uri: 's3://art/few', rows: 40 }] };

  it('tell of pictures and clips what holds for them', () => {
    expect(because({ ...pictures, ...few, methods: ['lora'] }, 'passes and steps')).toMatch(/about a hundred for each/);
    expect(because({ ...clips, ...few, methods: ['lora'] }, 'passes and steps')).toMatch(/about forty for each/);
    expect(because({ ...pictures, ...few, methods: ['lora'] }, 'dropout')).toMatch(/picture, video and sound models/);
    expect(because({ ...pictures, ...few, methods: ['lora'] }, 'longest row')).not.toMatch(/unknown length/);
  });

  it('say what RLHF needs where it could be chosen', () => {
    const { tiles } = plan({});
    const rlhf = tiles[1]?.alternatives.find(({ id }) => id === 'rlhf');
    expect(rlhf).toMatchObject({ available: true, summary: expect.stringMatching(/needs a reward model, or answers/) });
  });

  it('let nobody choose DPO where the rows are known to be no pairs', () => {
    const facts = [{ uri: 's3://desk/tickets', rows: 5000, preferencePairs: false }];
    const { tiles } = plan({}, { dataFacts: facts });
    const dpo = tiles[1]?.alternatives.find(({ id }) => id === 'dpo');
    expect(dpo).toMatchObject({ available: false, reason: expect.stringMatching(/needs pairs of a chosen/) });
    expect(dpo?.summary).toMatch(/none were seen in the data/);
    const unread = plan({}).tiles[1]?.alternatives.find(({ id }) => id === 'dpo');
    expect(unread?.summary).toMatch(/was not looked into/);
  });

  it('do not say of the method that goes first that it is taken where it is not', () => {
    const { tiles } = plan({ methods: ['qlora', 'lora'] }, { selection: { method: 'lora' } });
    const qlora = tiles[1]?.alternatives.find(({ id }) => id === 'qlora');
    expect(qlora?.summary).toMatch(/First in line; left where/);
  });
});

describe('the method', () => {
  const few = { data: [{ uri: 's3://desk/few', rows: 60 }] };

  it('stands when it is named, also where it is unwise, and the plan says so', () => {
    const { resolved, tiles } = plan({ ...few, methods: ['full'], methodStated: true, model: 'qwen2.5-0.5b' });
    expect(resolved.method.name).toBe('full');
    expect(tiles[1]?.warnings?.join()).toMatch(/forgets more than it learns; LoRA is the safer way/);
  });

  it('gives way to a close equivalent only', () => {
    const named = plan({ methods: ['lora'], methodStated: true });
    expect(named.tiles[1]?.reasons.join('\n')).toMatch(/Not QLoRA: Close to what the goal names/);
    expect(named.tiles[1]?.reasons.join('\n')).toMatch(/Not Full fine-tune: The goal names another one/);
  });

  it('learns from preference pairs where the rows are pairs', () => {
    const facts = [{ uri: 's3://desk/tickets', rows: 5000, tokensPerRow: 300, preferencePairs: true }];
    const { resolved, tiles } = plan({}, { dataFacts: facts });
    expect(resolved.method.name).toBe('dpo');
    expect(tiles[1]?.reasons[0]).toMatch(/pairs of a better and a worse answer/);
  });

  it('asks for the consent of the speaker', () => {
    const voice = { modality: 'audio', capability: 'voice-clone', methods: ['voice-clone'] } as const;
    const { tiles } = plan({ ...voice, methods: ['voice-clone'] });
    expect(tiles[1]?.warnings?.join()).toMatch(/consent of the speaker/);
  });
});

describe('the base model', () => {
  it('has a smaller, a larger and a differently licensed alternative, all priced', () => {
    const { resolved, tiles } = plan({});
    const open = tiles[0]?.alternatives.filter(({ available }) => available) ?? [];
    expect(open.length).toBeGreaterThanOrEqual(3);
    const of = (id: string) => catalog.models.find((model) => model.id === id);
    const sizes = open.map(({ id }) => of(id)?.parameters ?? 0);
    expect(Math.min(...sizes)).toBeLessThan(resolved.model.parameters);
    expect(Math.max(...sizes)).toBeGreaterThan(resolved.model.parameters);
    expect(open.some(({ id }) => of(id)?.license !== resolved.model.license)).toBe(true);
    expect(open.every(({ cost, hours }) => cost !== undefined && hours !== undefined)).toBe(true);
  });

  it('knows the language of the goal', () => {
    const { resolved } = plan({ goalText: '日本語の問い合わせに答えるモデルを学習したい' });
    const languages = catalog.models.find(({ id }) => id === resolved.model.id)?.languages;
    expect(languages?.some((code) => code === 'ja' || code === 'multilingual')).toBe(true);
  });

  it('is free for commercial use unless it is named, and then the plan warns', () => {
    const music = { modality: 'audio', capability: 'text-to-music', methods: ['lora'] } as const;
    const own = plan({ ...music, methods: ['lora'] });
    expect(catalog.models.find(({ id }) => id === own.resolved.model.id)?.commercialUse).not.toBe('no');
    const named = plan({ ...music, methods: ['lora'], model: 'musicgen-large' });
    expect(named.tiles[0]?.warnings?.join()).toMatch(/forbids commercial use/);
  });
});

describe('GPUs', () => {
  it('are more machines only where one does not do', () => {
    const huge = { model: 'qwen2.5-72b-instruct', methods: ['full'], methodStated: true } as const;
    const deadline = { constraints: { deadline: '12h' } };
    const data = [{ uri: 's3://desk/many', rows: 200_000 }];
    const one = plan({ ...huge, methods: ['full'], data: [{ uri: 's3://desk/x', rows: 2000 }] });
    expect(one.resolved.compute.nodes).toBe(1);
    const many = planned({
      contract: makeContract({ ...huge, methods: ['full'], data, ...deadline }, '90000.00'),
      providers: providers.filter(({ gpu }) => gpu === 'A100-SXM-80GB'),
      dataFacts: [],
    });
    expect(many.resolved.compute.nodes).toBeGreaterThan(1);
    expect(many.tiles[3]?.choice).toMatch(/^runpod\/[248]x8xA100-SXM-80GB$/);
    expect(Number(many.quote.hours.expected)).toBeLessThanOrEqual(12);
  });
});
