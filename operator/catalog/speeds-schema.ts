import { z } from 'zod';
import { date } from './schema/common.ts';

const rate = z.strictObject({ value: z.number().positive(), source: z.string() });
const number = z.number().positive();
const range = z.strictObject({ low: number, high: number });
const byArch = z.strictObject({
  volta: number,
  turing: number,
  ampere: number,
  ada: number,
  hopper: number,
  blackwell: number,
  cdna3: number,
});
const byStack = z.strictObject({ plain: number, fused: number, tuned: number });

/** Written by tools/calibrate/fit.ts from calibration.tsv; the estimator's step times rest on these. */
const fitted = z.strictObject({
  /** Share of a GPU's attainable matrix speed that training reaches, by generation. */
  matmul: byArch,
  /** Speed of the attention kernels of pretraining stacks beside that of FlashAttention 2. */
  tunedAttention: number,
  /** Speed of a mixture of experts beside a dense model with as many active weights. */
  mixture: byStack,
  /** Bytes that one layer moves for one token, forward and back, over its width. */
  bytesPerWidth: byStack,
  /** The same for the adapters of all linear layers. */
  adapterBytesPerWidth: number,
  /** Bytes moved to unpack one 4-bit weight once. */
  unpackBytes: number,
  /** Milliseconds the processor takes to start the kernels of one layer, forward and back. */
  layerMilliseconds: byStack,
  /** Share of attainable speed that text generation of RLHF reaches at 7B. */
  generation: number,
  /** Share of attainable speed of picture and video backbones. */
  latent: z.strictObject({ transformer: number, unet: number }),
  /** Seconds of a micro-step that no arithmetic explains: of any backbone, and of a UNet for each billion weights. */
  latentSeconds: number,
  unetSeconds: number,
  /** Between which multiples of the predicted time eight of ten published runs lie. */
  spread: z.strictObject({ language: range, latent: range }),
});

/** Constants of the estimates; each with the measurement it was taken from, or fitted to published speeds. */
export const speedFile = z.strictObject({
  asOf: date,
  /** Share of the marketed matrix speed that the best single kernel reaches. */
  attainable: z.strictObject({
    volta: rate,
    turing: rate,
    ampere: rate,
    ada: rate,
    hopper: rate,
    blackwell: rate,
    cdna3: rate,
  }),
  /** Share of attainable speed that FlashAttention 2 reaches. */
  attention: z.strictObject({
    volta: rate,
    turing: rate,
    ampere: rate,
    ada: rate,
    hopper: rate,
    blackwell: rate,
    cdna3: rate,
  }),
  /** Attainable share of cards that their power limit holds far below their generation. */
  attainableOf: z.record(z.string(), rate),
  linkGigabytesPerSecond: z.strictObject({ nvlink: rate, pcie: rate, 'infinity-fabric': rate, nodes: rate }),
  /** Seconds to gather and free one expert of one layer for all passes, where experts are sharded one by one. */
  expertSeconds: rate,
  hostGigabytesPerSecond: rate,
  /**
   * Sound models: too few runs are published to fit them. Share of attainable speed; seconds that reading and encoding
   * one second of sound take beside an A100, by family where a run was published; how far runs spread.
   */
  sound: z.strictObject({ share: rate, seconds: rate, secondsOf: z.record(z.string(), rate), low: rate, high: rate }),
  cpuGflopsPerCore: rate,
  cpuSecondsPerStepOverhead: rate,
  gpuSecondsPerStepOverhead: rate,
  diskMegabytesPerSecond: z.strictObject({ local: rate, cloud: rate }),
  downloadMegabytesPerSecond: rate,
  uploadMegabytesPerSecond: rate,
  startSeconds: z.strictObject({ local: rate, provision: rate, image: rate, perNode: rate }),
  rowsPreparedPerSecond: rate,
  latentsEncodedPerSecond: rate,
  evaluationShare: rate,
  teardownSeconds: z.strictObject({ local: rate, cloud: rate }),
  storageUsdPerGbMonth: rate,
  fitted,
});

export type Speeds = z.infer<typeof speedFile>;
export type Fitted = Speeds['fitted'];
