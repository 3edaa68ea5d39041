import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BaseModel, Contract } from '@kriptik/crds';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recommend } from '../planner/recommend.ts';
import { catalog, makeContract, makeInput, planned, rented, workstation } from '../planner/test-builders.ts';
import { withOwnModel } from './own-model.ts';

describe('a base model of one’s own', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kriptik-own-'));
    const config = {
      architectures: ['Qwen2ForCausalLM'],
      hidden_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      intermediate_size: 128,
      vocab_size: 320,
      max_position_embeddings: 512,
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    const head = Buffer.from(JSON.stringify({ w: { dtype: 'F32', shape: [320, 64], data_offsets: [0, 0] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(head.length));
    await writeFile(join(folder, 'model.safetensors'), Buffer.concat([length, head]));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const uri = (): string => pathToFileURL(folder).href;
  const contractOf = (baseModel: Partial<BaseModel>, fields: Partial<Contract> = {}): Contract =>
    makeContract({
      baseModel: { source: uri(), family: 'qwen2.5', license: 'apache-2.0', ...baseModel },
      ...fields,
    });
  const enriched = async (contract: Contract) => {
    const found = await withOwnModel(catalog, contract);
    if ('problem' in found) throw new Error(`${found.problem.field}: ${found.problem.message}`);
    return found.catalog;
  };

  it('is planned and priced from its folder, whatever model the text names', async () => {
    const contract = contractOf({}, { model: 'qwen2.5-7b' });
    const { resolved, quote } = planned({ contract, catalog: await enriched(contract) });
    expect(resolved.model).toMatchObject({
      source: uri(),
      family: 'qwen2.5',
      parameters: 20_480,
      contextLength: 512,
      license: 'apache-2.0',
    });
    expect(resolved.model.revision).toMatch(/^folder-/);
    expect(Number(quote.total.expected)).toBeLessThan(0.3);
  });

  it('is planned from what is stated where only the provider sees it', async () => {
    const contract = contractOf({ source: 'file:///mnt/models/ours', parameters: 7_000_000_000 });
    const nodes = rented('H100-SXM-80GB', '2.00', { name: 'nodes', type: 'kubernetes' });
    const own = await enriched(contract);
    const { resolved } = planned({ contract, catalog: own, providers: [nodes] });
    expect(resolved.model).toMatchObject({ source: 'file:///mnt/models/ours', parameters: 7_000_000_000 });
    const here = recommend(makeInput({ contract, catalog: own, providers: [workstation()] }));
    expect('blocked' in here && here.blocked.message).toContain('is not on this machine');
  });

  it('of the Hub keeps the revision that is stated', async () => {
    const contract = contractOf({ source: 'hf://acme/private', revision: 'v2', parameters: 7_000_000_000 });
    const gpu = rented('H100-SXM-80GB', '2.00');
    const { resolved } = planned({ contract, catalog: await enriched(contract), providers: [gpu] });
    expect(resolved.model).toMatchObject({ source: 'hf://acme/private', revision: 'v2' });
  });

  it.each([
    ['a family that the catalog has not', { family: 'quagga' }, 'spec.baseModel.family'],
    ['a family of another kind', { family: 'sdxl' }, 'spec.baseModel.family'],
    ['a folder that is not there', { source: 'file:///nowhere/at/all' }, 'spec.baseModel.source'],
  ])('is refused with %s', async (_name, baseModel, field) => {
    const found = await withOwnModel(catalog, contractOf(baseModel));
    expect('problem' in found && found.problem.field).toBe(field);
  });
});
