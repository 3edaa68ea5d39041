import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

/** The addresses of one run: a /24 that the host reaches through one interface of its own. */
export interface NodeNetwork {
  /** Of the node and its control group; no other run has it. */
  readonly name: string;
  /** The host's interface (at most 15 characters). */
  readonly link: string;
  /** The host's address: where the API server listens, and what pods can reach. */
  readonly host: string;
  /** The node's address. */
  readonly node: string;
  /** The range of the pods, e.g. `10.201.7.128/25`. */
  readonly pods: string;
  /** The node's address as pods see it. */
  readonly gateway: string;
}

/** Second numbers of the /16 ranges that runs are taken from: 10.192.0.0 to 10.223.0.0. */
const SECOND = { from: 192, below: 224 } as const;

/** The network of a run directory: that of its last start where it is free, so that its address stays good. */
export function networkOf(runDirectory: string): NodeNetwork {
  const path = join(runDirectory, 'network.json');
  if (existsSync(path)) {
    const last = JSON.parse(readFileSync(path, 'utf8')) as NodeNetwork;
    if (!addressesInUse().includes(last.host)) return last;
  }
  const network = chooseNetwork(randomBytes(4).toString('hex'));
  writeFileSync(path, JSON.stringify(network));
  return network;
}

/**
 * A range at random that holds none of `taken`, the addresses in use on this machine.
 * @throws Error when a hundred draws found none.
 */
export function chooseNetwork(
  id: string,
  taken: readonly string[] = addressesInUse(),
  draw: (from: number, below: number) => number = randomInt,
): NodeNetwork {
  for (let attempt = 0; attempt < 100; attempt++) {
    const prefix = `10.${draw(SECOND.from, SECOND.below)}.${draw(0, 256)}.`;
    if (taken.some((address) => address.startsWith(prefix))) continue;
    return {
      name: `kriptik-${id}`,
      link: `kriptik${id}`,
      host: `${prefix}1`,
      node: `${prefix}2`,
      pods: `${prefix}128/25`,
      gateway: `${prefix}129`,
    };
  }
  throw new Error('No free range of addresses was found between 10.192.0.0 and 10.223.255.255.');
}

function addressesInUse(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
