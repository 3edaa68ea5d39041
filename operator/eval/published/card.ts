import type { Catalog, GpuSpec } from '../../catalog/catalog.ts';
import { findGpu } from '../../catalog/lookup.ts';

/** Spellings, the narrower first: the first that a name matches decides. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/a[18]00.*(40|pg509)/, 'A100-SXM-40GB'],
  [/a[18]00.*pcie/, 'A100-PCIe-80GB'],
  [/a[18]00/, 'A100-SXM-80GB'],
  [/h[18]00.*nvl/, 'H100-NVL-94GB'],
  [/h[18]00.*pcie/, 'H100-PCIe-80GB'],
  [/gh200/, 'H200-141GB'],
  [/h200/, 'H200-141GB'],
  [/h[18]00/, 'H100-SXM-80GB'],
  [/g?b200/, 'B200-180GB'],
  [/b300/, 'B300-288GB'],
  [/mi300/, 'MI300X-192GB'],
  [/pro6000/, 'RTX-PRO-6000-96GB'],
  [/6000ada|ada6000/, 'RTX-6000-Ada-48GB'],
  [/a6000/, 'RTX-A6000-48GB'],
  [/a5000/, 'RTX-A5000-24GB'],
  [/a4500/, 'RTX-A4500-20GB'],
  [/a4000/, 'RTX-A4000-16GB'],
  [/5090/, 'RTX-5090-32GB'],
  [/4090/, 'RTX-4090-24GB'],
  [/4080/, 'RTX-4080-16GB'],
  [/4070/, 'RTX-4070-Ti-12GB'],
  [/3090ti/, 'RTX-3090-Ti-24GB'],
  [/3090/, 'RTX-3090-24GB'],
  [/3080/, 'RTX-3080-10GB'],
  [/l40s/, 'L40S-48GB'],
  [/l40/, 'L40-48GB'],
  [/a40/, 'A40-48GB'],
  [/a30/, 'A30-24GB'],
  [/a10g/, 'A10G-24GB'],
  [/a10/, 'A10-24GB'],
  [/v100.*16/, 'V100-SXM2-16GB'],
  [/v100/, 'V100-SXM2-32GB'],
  [/l4/, 'L4-24GB'],
  [/t4|kaggle|colab/, 'T4-16GB'],
];

/** Cards that nobody rents out but people publish runs of: dense fp16 TFLOPS with fp32 sums, GB/s, GB. */
const DESKTOP: readonly (readonly [
  RegExp,
  Pick<GpuSpec, 'id' | 'bf16Tflops' | 'bandwidthGbs' | 'memoryGb' | 'arch'>,
])[] = [
  [/3060/, { id: 'RTX-3060-12GB', bf16Tflops: 25.6, bandwidthGbs: 360, memoryGb: 12, arch: 'ampere' }],
  [/3070/, { id: 'RTX-3070-8GB', bf16Tflops: 40.6, bandwidthGbs: 448, memoryGb: 8, arch: 'ampere' }],
  [/4060/, { id: 'RTX-4060-Ti-16GB', bf16Tflops: 44, bandwidthGbs: 288, memoryGb: 16, arch: 'ada' }],
  [/5080/, { id: 'RTX-5080-16GB', bf16Tflops: 112, bandwidthGbs: 960, memoryGb: 16, arch: 'blackwell' }],
  [/2080ti/, { id: 'RTX-2080-Ti-11GB', bf16Tflops: 53.8, bandwidthGbs: 616, memoryGb: 11, arch: 'turing' }],
  [/p100/, { id: 'P100-16GB', bf16Tflops: 18.7, bandwidthGbs: 732, memoryGb: 16, arch: 'volta' }],
];

/** The card that a spelling means ("A100-80GB", "RTX4090", "NVIDIA A10G"); undefined where none is known. */
export function cardOf(catalog: Catalog, name: string): GpuSpec | undefined {
  const exact = findGpu(catalog, name);
  if (exact !== undefined) return exact;
  const plain = name.toLowerCase().replaceAll(/nvidia|tesla|geforce|[\s_().-]/g, '');
  const id = SPELLINGS.find(([pattern]) => pattern.test(plain))?.[1];
  const found = id === undefined ? undefined : findGpu(catalog, id);
  if (found !== undefined) return found;
  const desktop = DESKTOP.find(([pattern]) => pattern.test(plain))?.[1];
  return desktop && { ...DEFAULTS, ...desktop, title: desktop.id };
}

const DEFAULTS = {
  bf16: true,
  link: 'pcie',
  names: { kubernetes: '' },
  verified: false,
  source: 'data sheets',
  asOf: '2026-11-23',
} as const;
