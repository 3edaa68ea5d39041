import { z } from 'zod';
import { date } from './schema/common.ts';

const rate = z.strictObject({ value: z.number().positive(), source: z.string() });

/** Constants of the time estimate; each with the measurement it was taken from. */
export const speedFile = z.strictObject({
  asOf: date,
  utilisation: z.strictObject({ full: rate, lora: rate, qlora: rate, dpo: rate, rlhf: rate }),
  cpuGflopsPerCore: rate,
  cpuSecondsPerStepOverhead: rate,
  gpuSecondsPerStepOverhead: rate,
  diskMegabytesPerSecond: rate,
  downloadMegabytesPerSecond: rate,
  startSeconds: z.strictObject({ local: rate, cloud: rate }),
  teardownSeconds: z.strictObject({ local: rate, cloud: rate }),
  spread: z.strictObject({ low: rate, high: rate }),
  storageUsdPerGbMonth: rate,
});

export type Speeds = z.infer<typeof speedFile>;
