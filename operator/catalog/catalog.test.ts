import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InvalidCatalog, loadCatalog } from './catalog.ts';
import { findGpu, findModel, modelsOf, modelsOfFamily } from './lookup.ts';

const catalog = loadCatalog();

describe('the shipped catalog', () => {
  it('covers every modality', () => {
    for (const modality of ['llm', 'code', 'image', 'video', 'audio', 'multimodal'] as const) {
      expect(modelsOf(catalog, modality).length).toBeGreaterThan(1);
    }
  });

  it('states shapes whose weights add up to about the stated parameters', () => {
    for (const { id, shape, architecture, parameters, modality } of catalog.models) {
      if (shape === undefined || modality === 'multimodal') continue;
      const { hidden, layers, heads, kvHeads, feedForward, vocabulary } = shape;
      const head = shape.headSize ?? hidden / heads;
      const experts = shape.experts?.count ?? 1;
      const block =
        hidden * head * (2 * heads + 2 * kvHeads) + experts * shape.feedForwardMatrices * hidden * feedForward;
      const tower = architecture?.vision?.parameters ?? 0;
      const implied = layers * block + vocabulary * hidden * (shape.tiedEmbeddings ? 1 : 2) + tower;
      expect(Math.abs(implied - parameters) / parameters, `${id}: ${implied}, stated ${parameters}`).toBeLessThan(0.02);
    }
  });

  it('prices known GPUs, and marks what was never confirmed', () => {
    const known = catalog.prices.filter(({ gpu }) => findGpu(catalog, gpu) !== undefined);
    expect(known.length).toBeGreaterThan(50);
    for (const row of catalog.prices.filter(({ source }) => source === 'unconfirmed')) expect(row.verified).toBe(false);
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
});

describe('a broken catalog', () => {
  const directory = mkdtempSync(join(tmpdir(), 'catalog-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('is refused with the file and the field', () => {
    cpSync(join(import.meta.dirname, 'data'), directory, { recursive: true });
    writeFileSync(join(directory, 'fx.yaml'), 'asOf: "2026-11-22"\nsource: x\nrates: { USD: 1 }\n');
    expect(() => loadCatalog(directory)).toThrow(InvalidCatalog);
    expect(() => loadCatalog(directory)).toThrow(/fx\.yaml: rates\.USD/);
  });
});
