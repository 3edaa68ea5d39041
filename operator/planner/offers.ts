import type { ComputeProviderSpec, ProviderType } from '@kriptik/crds';
import type { Catalog, PriceRow } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import { parseMoney } from '../money.ts';
import type { ProviderOffer } from './types.ts';

/** A ComputeProvider as its reconciler sees it. */
export interface ProviderView {
  readonly name: string;
  readonly spec: ComputeProviderSpec;
  readonly ready: boolean;
  readonly reason?: string;
  /** Of the machine, for local providers that train on the processor. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** What the trainer there told that it can do. */
  readonly executors?: ProviderOffer['executors'];
  /** Whether it told that it trains the stages of a plan. */
  readonly stages?: boolean;
  /** Date used for prices that people declared without one, YYYY-MM-DD. */
  readonly declaredOn?: string;
}

const RENTED_COUNTS = [1, 2, 4, 8];
/** Machines of the largest size that train together, and that the trainer there runs stages one after the other. */
const RENTED_ABILITIES = { maxNodes: 4, stages: true } as const;
const DEFAULT_ORDER = 100;
/** What every trainer on one's own machine does, where it has not been asked. */
const LEAST_EXECUTORS: NonNullable<ProviderOffer['executors']> = (['llm', 'code'] as const).map((modality) => ({
  modality,
  methods: ['lora', 'full'],
  architectures: '.*',
}));

/**
 * What a provider offers: its own machine, the prices people declared, or the
 * catalog's list prices (unconfirmed rows left out). A provider that is turned
 * off offers nothing; prices above its maxPricePerHour are left out. Throws
 * InvalidMoney naming the field of a malformed price.
 */
export function offersOf(view: ProviderView, catalog: Catalog): readonly ProviderOffer[] {
  const { spec } = view;
  if (spec.enabled === false) return [];
  const offers = [...localOffer(view, catalog), ...declaredOffers(view, catalog), ...catalogOffers(view, catalog)];
  const limit = spec.limits?.maxPricePerHour;
  if (limit === undefined) return offers;
  const most = parseMoney(limit, 'spec.limits.maxPricePerHour');
  return offers
    .map((offer) => ({
      ...offer,
      counts: offer.counts.filter(
        (count) => offer.unitPricePerHour * (offer.priceUnit === 'machine' ? 1 : count) <= most,
      ),
    }))
    .filter((offer) => offer.counts.length > 0);
}

function localOffer(view: ProviderView, catalog: Catalog): readonly ProviderOffer[] {
  const { local } = view.spec;
  if (view.spec.type !== 'local' || local === undefined) return [];
  const gpu = local.gpu ?? 'cpu';
  const count = gpu === 'cpu' ? 1 : (local.gpuCount ?? 1);
  const cpus = lower(view.cpus, local.resources?.maxCpus);
  const memoryBytes = lower(view.memoryBytes, parseBytes(local.resources?.maxMemory));
  return [
    {
      ...common(view),
      gpu: gpu === 'cpu' ? gpu : (findGpu(catalog, gpu)?.id ?? gpu),
      counts: [count],
      unitPricePerHour: parseMoney(local.pricePerHour, 'spec.local.pricePerHour'),
      priceUnit: 'machine',
      priceSource: `declared by ComputeProvider ${view.name}`,
      priceAsOf: view.declaredOn ?? catalog.speeds.asOf,
      priceDated: false,
      priceVerified: true,
      executors: view.executors ?? LEAST_EXECUTORS,
      ...(view.stages === true && { stages: true }),
      wholeModel: true,
      ...(cpus !== undefined && { cpus }),
      ...(memoryBytes !== undefined && { memoryBytes }),
    },
  ];
}

function declaredOffers(view: ProviderView, catalog: Catalog): readonly ProviderOffer[] {
  if (view.spec.type === 'local') return [];
  return (view.spec.prices?.declared ?? []).map(({ gpu, pricePerHour, asOf }, index) => ({
    ...common(view),
    gpu: findGpu(catalog, gpu)?.id ?? gpu,
    counts: RENTED_COUNTS,
    unitPricePerHour: parseMoney(pricePerHour, `spec.prices.declared[${index}].pricePerHour`),
    priceUnit: 'gpu',
    priceSource: `declared by ComputeProvider ${view.name}`,
    priceAsOf: asOf ?? view.declaredOn ?? catalog.speeds.asOf,
    priceDated: asOf !== undefined,
    priceVerified: true,
    ...RENTED_ABILITIES,
    ...(view.spec.type === 'kubernetes' && nodesOf(view, gpu)),
  }));
}

/** What the nodes of a cluster are besides their price: the image that runs there, and the size of a pod. */
function nodesOf({ spec }: ProviderView, gpu: string): Partial<ProviderOffer> {
  const { image, resources } = spec.kubernetes ?? {};
  const cpus = parseCpus(resources?.cpu);
  const memoryBytes = parseBytes(resources?.memory);
  return {
    wholeModel: true,
    ...(image !== undefined && { image }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(gpu === 'cpu' && {
      counts: [1],
      priceUnit: 'machine' as const,
      ...(cpus !== undefined && { cpus }),
    }),
  };
}

function catalogOffers(view: ProviderView, catalog: Catalog): readonly ProviderOffer[] {
  const { type, prices } = view.spec;
  if (prices?.source === 'declared' || !LISTED.has(type)) return [];
  const declared = new Set(declaredOffers(view, catalog).map(({ gpu }) => gpu));
  const tier = type === 'runpod' ? (view.spec.runpod?.cloud ?? 'SECURE').toLowerCase() : undefined;
  return catalog.prices
    .filter((row) => row.provider === type && row.verified && (tier === undefined || row.tier === tier))
    .filter((row) => !declared.has(row.gpu) && rentable(catalog, row, type))
    .map((row) => ({
      ...common(view),
      gpu: row.gpu,
      counts: RENTED_COUNTS,
      unitPricePerHour: parseMoney(row.usdPerGpuHour, `prices: ${row.gpu}`),
      priceUnit: 'gpu',
      priceSource: `${row.provider} ${row.tier} list price, ${row.source}`,
      priceAsOf: row.asOf,
      priceDated: true,
      priceVerified: true,
      ...RENTED_ABILITIES,
    }));
}

/** Providers whose list prices the catalog carries. */
const LISTED: ReadonlySet<ProviderType> = new Set<ProviderType>(['runpod', 'modal']);

function rentable(catalog: Catalog, row: PriceRow, type: ProviderType): boolean {
  const names = findGpu(catalog, row.gpu)?.names;
  return type === 'modal' ? names?.modal !== undefined : names?.runpod !== undefined;
}

function common({ name, spec, ready, reason }: ProviderView) {
  return {
    name,
    type: spec.type,
    order: spec.order ?? DEFAULT_ORDER,
    regions: spec.regions ?? [],
    ready,
    ...(reason !== undefined && { reason }),
  } as const;
}

/** Bytes of a Kubernetes quantity: "8Gi", "500M", "1e9"; undefined when there is none or it is not one. */
export function parseBytes(quantity: string | undefined): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(quantity ?? '');
  if (match === null) return undefined;
  const unit = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, k: 1e3, M: 1e6, G: 1e9, T: 1e12 }[match[2] ?? ''];
  return Number(match[1]) * (unit ?? 1);
}

/** Whole processor cores of a Kubernetes quantity: "4", "500m" (which is 1); undefined when there is none. */
function parseCpus(quantity: string | undefined): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(m)?$/.exec(quantity ?? '');
  if (match === null) return undefined;
  return Math.max(1, Math.floor(Number(match[1]) / (match[2] === undefined ? 1 : 1000)));
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
