import type { GpuSpec, Speeds } from '../catalog/catalog.ts';

const attainableOf = new WeakMap<Speeds, Map<string, number>>();

/**
 * FLOPs a second that the best matrix kernel of a GPU reaches: marketed dense
 * throughput times the share measured by maximum-achievable-matmul benchmarks
 * (stas00/ml-engineering, compute/accelerator: A100 0.86, H100 0.80, B200 0.78).
 */
export function attainableFlops(gpu: GpuSpec, speeds: Speeds): number {
  const cache = attainableOf.get(speeds) ?? new Map<string, number>();
  attainableOf.set(speeds, cache);
  const cached = cache.get(gpu.id);
  if (cached !== undefined) return cached;
  const share = (speeds.attainableOf[gpu.id] ?? speeds.attainable[gpu.arch]).value;
  const flops = gpu.bf16Tflops * 1e12 * share;
  cache.set(gpu.id, flops);
  return flops;
}

/** Time of two things that overlap: near the longer one, and above both. Fourth-power mean. */
export function overlapped(a: number, b: number): number {
  const longer = Math.max(a, b);
  if (longer === 0) return 0;
  const share = Math.min(a, b) / longer;
  return longer * (1 + share ** 4) ** 0.25;
}
