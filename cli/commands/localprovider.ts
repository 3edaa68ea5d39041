import type { ComputeProvider } from '@kriptik/crds';
import { formatMoney, type MicroUsd, parseMoney } from '@kriptik/operator/money.ts';

/** What this machine costs and where its trainers work. */
export interface LocalRate {
  /** Price of one hour of this machine; a declared default where it is not said. */
  readonly pricePerHour?: MicroUsd | undefined;
  readonly workDir?: string | undefined;
}

/** Counted for an hour of this machine when nobody says otherwise. */
export const DEFAULT_RATE: MicroUsd = parseMoney('1.00');

/** The manifest of a provider that trains on this machine. */
export function localProviderManifest(name: string, { pricePerHour = DEFAULT_RATE, workDir }: LocalRate) {
  return {
    apiVersion: 'training.kriptik.ai/v1alpha1' as const,
    kind: 'ComputeProvider' as const,
    metadata: { name },
    spec: {
      type: 'local' as const,
      local: { gpu: 'cpu', pricePerHour: formatMoney(pricePerHour), ...(workDir === undefined ? {} : { workDir }) },
    },
  };
}

/** The same as an object of the cluster, for planning where there is none. */
export function localProvider(name: string, rate: LocalRate): ComputeProvider {
  const manifest = localProviderManifest(name, rate);
  return { ...manifest, metadata: { ...manifest.metadata, uid: '', generation: 1 } };
}
