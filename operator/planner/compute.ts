import type { Catalog, GpuSpec } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import type { MicroUsd } from '../money.ts';
import { microUsd } from '../money.ts';
import type { ProviderOffer } from './types.ts';

/** Some GPUs (or the processor) of one offer. */
export interface Compute {
  readonly offer: ProviderOffer;
  /** GPUs of one machine. */
  readonly count: number;
  /** Machines that train together. */
  readonly nodes: number;
  /** Stable id: "workstation/cpu", "runpod/4xA100-SXM-80GB", and "eu/2x8xH100-SXM-80GB" for two machines. */
  readonly id: string;
  /** Undefined for a processor, and for a GPU that the catalog does not know. */
  readonly spec?: GpuSpec;
  /** Price of everything per hour: all GPUs of all machines. */
  readonly pricePerHour: MicroUsd;
}

/** Machines that are tried together, where one does not do. */
const NODE_COUNTS = [2, 4, 8] as const;

/** Everything an offer can be rented as: its counts on one machine, then several of its largest machines. */
export function computesOf(offer: ProviderOffer, catalog: Catalog): readonly Compute[] {
  const spec = offer.gpu === 'cpu' ? undefined : findGpu(catalog, offer.gpu);
  const most = offer.counts.at(-1) ?? 1;
  const several = NODE_COUNTS.filter((nodes) => nodes <= (offer.maxNodes ?? 1)).map((nodes) => [most, nodes] as const);
  return [...offer.counts.map((count) => [count, 1] as const), ...several].map(([count, nodes]) => ({
    offer,
    count,
    nodes,
    id: idOf(offer, count, nodes),
    pricePerHour: microUsd(offer.unitPricePerHour * (offer.priceUnit === 'machine' ? nodes : count * nodes)),
    ...(spec !== undefined && { spec }),
  }));
}

/** GPUs in all. */
export function gpusOf({ count, nodes }: Compute): number {
  return count * nodes;
}

function idOf({ name, gpu }: ProviderOffer, count: number, nodes: number): string {
  const times = nodes > 1 ? `${nodes}x${count}x` : count > 1 ? `${count}x` : '';
  return `${name}/${times}${gpu}`;
}

/** "2 machines with 8 x H100-SXM-80GB on runpod". */
export function computeTitle({ offer, count, nodes }: Compute): string {
  const gpus = offer.gpu === 'cpu' ? 'Processor' : count > 1 ? `${count} x ${offer.gpu}` : offer.gpu;
  return `${nodes > 1 ? `${nodes} machines with ${gpus}` : gpus} on ${offer.name}`;
}
