import type { Contract, Modality } from '@kriptik/crds';
import { type Catalog, loadCatalog } from '../catalog/catalog.ts';
import { parseMoney } from '../money.ts';
import { offersOf } from './offers.ts';
import { noPolicy } from './policy.ts';
import { recommend } from './recommend.ts';
import type { ProviderOffer, Recommendation, RecommendInput } from './types.ts';

/** Builders for tests of the brains. */

export const catalog: Catalog = loadCatalog();

/** A contract of a help desk with 180 short rows; the given fields replace its own. */
export function makeContract(fields: Partial<Contract> = {}, limit = '25.00'): Contract {
  return {
    goalText: 'Answer questions like our help desk.',
    inputHash: `sha256:${'0'.repeat(64)}`,
    goalGeneration: 1,
    parsedBy: { source: 'offline', version: '1' },
    modality: 'llm' satisfies Modality,
    capability: 'question-answering',
    summary: 'Answer questions like our help desk.',
    quality: 'standard',
    methods: ['qlora', 'lora'],
    methodStated: false,
    data: [{ uri: 'file:///srv/helpdesk.jsonl' }],
    output: [],
    budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95, source: 'spec' },
    constraints: {},
    assumptions: [],
    ...fields,
  };
}

/** The processor of a two-core machine at six dollars an hour. */
export function workstation(fields: Partial<ProviderOffer> = {}): ProviderOffer {
  const [offer] = offersOf(
    {
      name: 'workstation',
      spec: { type: 'local', local: { pricePerHour: '6.00' } },
      ready: true,
      cpus: 2,
      memoryBytes: 16e9,
    },
    catalog,
  );
  if (offer === undefined) throw new Error('a local provider offers its machine');
  return { ...offer, ...fields };
}

/** One GPU type for rent; one, two, four or eight of them. */
export function rented(gpu: string, price: string, fields: Partial<ProviderOffer> = {}): ProviderOffer {
  return {
    name: 'runpod',
    type: 'runpod',
    order: 100,
    gpu,
    counts: [1, 2, 4, 8],
    unitPricePerHour: parseMoney(price),
    priceUnit: 'gpu',
    priceSource: 'test list',
    priceAsOf: '2026-11-01',
    priceDated: true,
    priceVerified: true,
    regions: [],
    ready: true,
    ...fields,
  };
}

export function makeInput(fields: Partial<RecommendInput> = {}): RecommendInput {
  return {
    contract: makeContract(),
    catalog,
    providers: [workstation()],
    policy: noPolicy,
    dataFacts: [{ uri: 'file:///srv/helpdesk.jsonl', rows: 180, tokensPerRow: 60, longestRow: 110 }],
    now: new Date('2026-11-23T00:00:00Z'),
    ...fields,
  };
}

/** The plan of an input that can be planned. */
export function planned(fields: Partial<RecommendInput> = {}): Recommendation {
  const result = recommend(makeInput(fields));
  if ('blocked' in result) throw new Error(`blocked: ${result.blocked.message}`);
  return result;
}
