import type { MethodName } from '@kriptik/crds';
import type { GpuSpec, ModelSpec } from '../catalog/catalog.ts';

/** Where the work runs: some GPUs of one kind, or the processor cores of a machine. */
export type Device =
  | { readonly kind: 'gpu'; readonly spec: GpuSpec; readonly count: number }
  | { readonly kind: 'cpu'; readonly cores: number; readonly memoryBytes?: number };

/** One training run, described by what decides its memory, time and cost. */
export interface Workload {
  readonly model: ModelSpec;
  readonly method: MethodName;
  readonly loraRank?: number;
  /** Rows of one device in one forward pass. */
  readonly batchSize: number;
  readonly gradientAccumulation: number;
  /** Longest row that is kept, in tokens. */
  readonly maxLength: number;
  /** Mean row after cutting, in tokens. */
  readonly tokensPerRow: number;
  readonly steps: number;
  readonly gradientCheckpointing: boolean;
  readonly device: Device;
  /** True when instances are rented: they start slower and their disk is billed. */
  readonly rented: boolean;
}

/** Trains small added matrices (or embeddings) and leaves the base weights alone. */
export function isAdapterMethod(method: MethodName): boolean {
  return method !== 'full';
}
