import { memoryOfLanguage } from './memory-language.ts';
import { memoryOfLatent } from './memory-latent.ts';
import { memoryOfSound } from './memory-sound.ts';
import type { Device, Workload } from './workload.ts';

export type { MemoryEstimate } from './memory-parts.ts';

import type { MemoryEstimate } from './memory-parts.ts';

/** Peak memory of one device, in bytes. */
export function estimateMemory(work: Workload): MemoryEstimate {
  switch (work.model.modality) {
    case 'image':
    case 'video':
      return memoryOfLatent(work);
    case 'audio':
      return work.model.shape === undefined ? memoryOfSound(work) : memoryOfLanguage(work);
    case 'llm':
    case 'code':
    case 'multimodal':
      return memoryOfLanguage(work);
  }
}

const GIB = 1024 ** 3;
/** Datacentre cards with HBM, and desktop cards, show nearly all their memory; the others give a sixteenth to error correction. */
const HBM = /^(A100|H100|H200|GH200|B200|B300|A30|V100|MI300)/;
const DESKTOP = /^RTX-[2345]0/;

/**
 * What a device offers to a program, in bytes; undefined when a machine's memory
 * is not known. Marketed gigabytes are 2^30 bytes: an A100-80GB shows 79.2 GiB to
 * a program, an RTX 4090 23.6, an A10 or L4 22.0, a T4 14.6.
 */
export function memoryOf(device: Device): number | undefined {
  if (device.kind === 'cpu') return device.memoryBytes === undefined ? undefined : device.memoryBytes * 0.8;
  const { id, memoryGb } = device.spec;
  const share = HBM.test(id) ? 0.985 : DESKTOP.test(id) ? 0.98 : 0.915;
  return memoryGb * GIB * share;
}
