import type { Workload, WorkModel } from './workload.ts';

/** The backbone of a picture or video model, with what is derived where the catalog states nothing. */
export interface Latents {
  /** False for UNets, whose work is told by forwardTflops. */
  readonly transformer: boolean;
  readonly hidden: number;
  readonly layers: number;
  /** Backbone tokens of one row, prompt included. */
  readonly tokens: number;
  /** Weights that act on each token. */
  readonly activeParameters: number;
  /** Arithmetic of one row's forward pass, in FLOPs. */
  readonly forward: number;
  readonly textEncoderParameters: number;
  readonly vaeParameters: number;
  /** Pixels of one row over all frames, in millions. */
  readonly megapixels: number;
}

const MEGAPIXEL = 1024 * 1024;
/** A VAE of 8x and patches of 2 leave one token for 16 x 16 pixels. */
const TOKENS_PER_MEGAPIXEL = 4096;
const VIDEO_ASPECT = 16 / 9;

/**
 * Tokens and arithmetic of one picture or clip. A transformer multiplies each
 * token with its weights (2 FLOPs each) and attends over all tokens of the row
 * (4 s^2 h a layer: Peebles and Xie 2023, DiT). A UNet's convolutions grow with the
 * pixels, its attention faster: exponent 1.1 on the published figure at 1024 x 1024.
 */
export function latentsOf(work: Workload): Latents {
  const { model } = work;
  const { latent } = model.architecture ?? {};
  const video = model.modality === 'video';
  const usual = usualSize(model);
  const resolution = work.resolution ?? usual.resolution;
  const aspect = work.aspect ?? (video ? VIDEO_ASPECT : 1);
  const frames = work.frames ?? usual.frames;
  const latentFrames = 1 + Math.floor((frames - 1) / (latent?.framesPerLatent ?? (video ? 4 : 1)));
  const pixels = resolution * resolution * aspect;
  const image = (pixels / MEGAPIXEL) * (latent?.tokensPerMegapixel ?? TOKENS_PER_MEGAPIXEL) * latentFrames;
  const unet = latent?.forwardTflops ?? (latent?.hidden === undefined ? unetTflops(model) : undefined);
  const transformer = unet === undefined;
  const hidden = latent?.hidden ?? usualWidth(model.parameters);
  const layers = latent?.layers ?? Math.max(12, Math.round(model.parameters / (12 * hidden * hidden)));
  const activeParameters = model.architecture?.activeParameters ?? model.parameters;
  const tokens = image + (latent?.textTokens ?? (transformer && !video ? 512 : 0));
  const forward =
    unet === undefined
      ? 2 * activeParameters * tokens + 4 * tokens * tokens * hidden * layers
      : unet * 1e12 * (pixels / MEGAPIXEL) ** 1.1 * latentFrames;
  return {
    transformer,
    hidden,
    layers,
    tokens,
    activeParameters,
    forward,
    textEncoderParameters: model.architecture?.textEncoderParameters ?? usualTextEncoder(model),
    vaeParameters: model.architecture?.vaeParameters ?? 84e6,
    megapixels: (pixels / MEGAPIXEL) * frames,
  };
}

/** Size of the pictures or clips that a model is usually trained on: pixels of a side, and frames. */
export function usualSize(model: WorkModel): { readonly resolution: number; readonly frames: number } {
  const { latent } = model.architecture ?? {};
  return {
    resolution: latent?.resolution ?? usualResolution(model),
    frames: latent?.frames ?? (model.modality === 'video' ? 81 : 1),
  };
}

function usualResolution(model: WorkModel): number {
  if (model.modality === 'video') return 480;
  return model.parameters < 1.5e9 ? 512 : 1024;
}

/** UNets of Stable Diffusion: 0.8 TFLOPs at 512 x 512 (1.5), 6.0 at 1024 x 1024 (XL). Others are transformers. */
function unetTflops({ modality, family, parameters }: WorkModel): number | undefined {
  if (modality !== 'image' || !/^(sd-?1|sd-?2|sdxl|unet)/.test(family)) return undefined;
  return parameters < 1.5e9 ? 3.7 : 6;
}

function usualWidth(parameters: number): number {
  return parameters < 1.5e9 ? 1152 : parameters < 4e9 ? 1920 : parameters < 9e9 ? 3072 : 4096;
}

/** CLIP for small picture models, a T5-XXL class encoder for large ones. */
function usualTextEncoder({ modality, parameters }: WorkModel): number {
  if (modality === 'video') return 4.8e9;
  return parameters < 1.5e9 ? 123e6 : parameters < 4e9 ? 817e6 : 4.9e9;
}
