import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GENERATED, InvalidCatalog, loadCatalog } from './catalog.ts';
import { renderCatalog } from './generate.ts';
import {
  findDataset,
  findDatasets,
  findGpu,
  findLicense,
  findMethod,
  findModel,
  modelsOf,
  modelsOfFamily,
} from './lookup.ts';
import { DATA, readCatalog } from './read.ts';

const catalog = loadCatalog();

describe('the shipped catalog', () => {
  it('holds what plans are made of, in every modality', () => {
    for (const modality of ['llm', 'code', 'image', 'video', 'audio', 'multimodal'] as const) {
      expect(modelsOf(catalog, modality).length, modality).toBeGreaterThan(10);
    }
    expect(catalog.models.length).toBeGreaterThanOrEqual(80);
    expect(catalog.gpus.length).toBeGreaterThanOrEqual(17);
    expect(catalog.datasets.length).toBeGreaterThanOrEqual(60);
    expect(catalog.methods.map(({ id }) => id).sort()).toEqual([
      'dpo',
      'dreambooth',
      'full',
      'lora',
      'qlora',
      'rlhf',
      'textual-inversion',
      'voice-clone',
    ]);
  });

  it('has a source and a date on every row', () => {
    const { models, gpus, prices, methods, datasets, licenses } = catalog;
    for (const row of [...models, ...gpus, ...prices, ...methods, ...datasets, ...licenses]) {
      expect(row.source.length, JSON.stringify(row)).toBeGreaterThan(0);
      expect(row.asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    }
  });

  it('marks what was never confirmed', () => {
    const claims = [...catalog.models, ...catalog.gpus, ...catalog.prices, ...catalog.datasets];
    for (const row of claims.filter(({ source }) => source.startsWith('unconfirmed'))) expect(row.verified).toBe(false);
  });

  it('gives models only methods of their modality', () => {
    for (const { id, modality, methods } of catalog.models) {
      for (const method of methods)
        expect(findMethod(catalog, method)?.modalities, `${id}: ${method}`).toContain(modality);
    }
  });

  it('takes what one may do with a model from its licence', () => {
    for (const { id, license, commercialUse } of catalog.models) {
      expect(commercialUse, id).toBe(findLicense(catalog, license)?.commercialUse);
    }
    expect(findModel(catalog, 'flux.1-dev')?.commercialUse).toBe('no');
    expect(findModel(catalog, 'llama-3.1-8b-instruct')?.commercialUse).toBe('conditional');
  });

  it.each([
    ['an id', 'smollm2-135m-instruct'],
    ['a Hub name', 'HuggingFaceTB/SmolLM2-135M-Instruct'],
    ['another case', 'SMOLLM2-135M-INSTRUCT'],
  ])('finds a model by %s', (_name, name) => {
    expect(findModel(catalog, name)?.parameters).toBe(134_515_008);
  });

  it('finds a GPU by the name of a provider', () => {
    expect(findGpu(catalog, 'NVIDIA H200')?.id).toBe('H200-141GB');
    expect(findGpu(catalog, 'a100-80gb')?.id).toBe('A100-SXM-80GB');
    expect(findGpu(catalog, 'RTX 9999')).toBeUndefined();
  });

  it('reads a family without a version as its default', () => {
    expect(modelsOfFamily(catalog, 'llama').map(({ family }) => family)).toContain('llama-3.1');
  });

  it.each(['ultrachat-200k', 'HuggingFaceH4/ultrachat_200k', 'hf://datasets/HuggingFaceH4/ultrachat_200k@main'])(
    'finds a data set as %s',
    (name) => {
      expect(findDataset(catalog, name)?.rows).toBe(207_865);
    },
  );

  it('lists data sets that fit a wish, those that fit more of its tasks first', () => {
    const sql = findDatasets(catalog, { tasks: ['text-to-sql', 'code-generation'], commercial: true });
    expect(sql[0]?.tasks).toContain('text-to-sql');
    expect(sql.every(({ commercialUse }) => commercialUse !== 'no')).toBe(true);
    const german = findDatasets(catalog, { modality: 'llm', languages: ['de'] });
    expect(german.length).toBeGreaterThan(0);
    for (const { languages } of german)
      expect(languages.includes('de') || languages.includes('multilingual')).toBe(true);
    expect(findDatasets(catalog, { tasks: ['no-such-task'] })).toEqual([]);
  });
});

/** Weights of a language model with these dimensions, without norms and biases. */
function impliedParameters({ shape, architecture }: (typeof catalog.models)[number]): number | undefined {
  if (shape === undefined) return undefined;
  const { hidden, layers, heads, kvHeads, feedForward, feedForwardMatrices, vocabulary } = shape;
  const head = shape.headSize ?? hidden / heads;
  const feed = (shape.experts?.count ?? 1) * feedForwardMatrices * hidden * feedForward;
  const block = hidden * head * (2 * heads + 2 * kvHeads) + feed;
  const tower = architecture?.vision?.parameters ?? 0;
  return layers * block + vocabulary * hidden * (shape.tiedEmbeddings ? 1 : 2) + tower;
}

describe('the figures of models', () => {
  it('state dimensions whose weights add up to about the stated parameters', () => {
    for (const model of catalog.models) {
      const implied = impliedParameters(model);
      if (implied === undefined || model.id === 'qwen2-audio-7b-instruct') continue;
      // Joints between towers and language model are counted in neither part.
      const tolerance = model.modality === 'multimodal' ? 0.035 : 0.02;
      const off = Math.abs(implied - model.parameters) / model.parameters;
      expect(off, `${model.id}: ${implied}, stated ${model.parameters}`).toBeLessThan(tolerance);
    }
  });

  it('state a size that names the weights, those that act, or those that are trained', () => {
    for (const { id, size, parameters, architecture } of catalog.models) {
      const candidates = [
        parameters,
        architecture?.activeParameters ?? 0,
        parameters - (architecture?.audio?.frozenParameters ?? 0),
      ];
      const off = Math.min(...candidates.map((count) => Math.abs(Number(size) * 1e9 - count) / parameters));
      expect(off, `${id}: ${size}B, ${parameters} parameters`).toBeLessThan(0.4);
    }
  });

  it('let no more weights act than there are', () => {
    for (const { id, parameters, architecture } of catalog.models) {
      expect(architecture?.activeParameters ?? 0, id).toBeLessThanOrEqual(parameters);
    }
  });
});

describe('the generated file', () => {
  it('is what the data files say (else run: node operator/catalog/generate.ts)', () => {
    expect(readFileSync(GENERATED, 'utf8') === renderCatalog(readCatalog(DATA))).toBe(true);
  });
});

describe('a broken catalog', () => {
  const directory = mkdtempSync(join(tmpdir(), 'catalog-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each([
    ['a number for a decimal', 'fx.yaml', 'asOf: "2026-11-22"\nsource: x\nrates: { USD: 1 }\n', /fx\.yaml: rates\.USD/],
    [
      'a price of an unknown GPU',
      'prices.yaml',
      'prices:\n  - { provider: x, tier: y, gpu: Z-1GB, instance: pod, gpus: 1, usdPerGpuHour: "1", asOf: "2026-01-01", verified: false, source: z }\n',
      /prices: x: no GPU Z-1GB/,
    ],
    ['a file that is no YAML', 'gpus.yaml', 'gpus: [', /gpus\.yaml/],
  ])('is refused for %s', (_name, file, text, message) => {
    cpSync(DATA, directory, { recursive: true });
    writeFileSync(join(directory, file), text);
    expect(() => readCatalog(directory)).toThrow(InvalidCatalog);
    expect(() => readCatalog(directory)).toThrow(message);
  });
});
