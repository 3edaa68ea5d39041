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
}

/** Machines that are tried together, where one does not do. */
const NODE_COUNTS = [2, 4, 8] as const;

/** Everything an offer can be rented as: its counts on one machine, then several of its largest machines. */
export function computesOf(offer: ProviderOffer): readonly Compute[] {
  const most = offer.counts.at(-1) ?? 1;
  const single = offer.counts.map((count) => ({ offer, count, nodes: 1 }));
  const several = NODE_COUNTS.filter((nodes) => nodes <= (offer.maxNodes ?? 1)).map((nodes) => ({
    offer,
    count: most,
    nodes,
  }));
  return [...single, ...several];
}

/** GPUs in all. */
export function gpusOf({ count, nodes }: Compute): number {
  return count * nodes;
}

/** Price of everything per hour: all GPUs of all machines. */
export function pricePerHour(compute: Compute): MicroUsd {
  const { offer, nodes } = compute;
  return microUsd(offer.unitPricePerHour * (offer.priceUnit === 'machine' ? nodes : gpusOf(compute)));
}

/** Stable id of a compute: "workstation/cpu", "runpod/4xA100-SXM-80GB", and "eu/2x8xH100-SXM-80GB" for two machines. */
export function computeId({ offer, count, nodes }: Compute): string {
  const times = nodes > 1 ? `${nodes}x${count}x` : count > 1 ? `${count}x` : '';
  return `${offer.name}/${times}${offer.gpu}`;
}

/** "2 machines with 8 x H100-SXM-80GB on runpod". */
export function computeTitle({ offer, count, nodes }: Compute): string {
  const gpus = offer.gpu === 'cpu' ? 'Processor' : count > 1 ? `${count} x ${offer.gpu}` : offer.gpu;
  return `${nodes > 1 ? `${nodes} machines with ${gpus}` : gpus} on ${offer.name}`;
}
