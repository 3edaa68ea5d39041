import type { Fitted } from '@kriptik/operator/catalog/speeds-schema.ts';

/** The constants that are searched, by name. Generations nobody publishes runs of follow their nearest kin. */
export type Vector = Readonly<Record<string, number>>;

/** Where the search starts, and what a constant stays near where no row speaks for or against it. */
export const PRIORS: Vector = {
  matmulAmpere: 0.9,
  matmulAda: 0.9,
  matmulHopper: 0.85,
  matmulTuring: 0.8,
  tunedAttention: 0.6,
  mixturePlain: 0.25,
  mixtureTuned: 0.5,
  bytesPlain: 1200,
  bytesFused: 800,
  bytesTuned: 700,
  adapterBytes: 200,
  unpackBytes: 6,
  layerPlain: 3.5,
  layerFused: 2.5,
  layerTuned: 1,
  generation: 0.03,
  latentTransformer: 0.6,
  latentUnet: 0.25,
  latentSeconds: 0.1,
  unetSeconds: 0.2,
};

/** Names that carry a share of attainable speed: at most 1. */
export const SHARES = new Set(
  Object.keys(PRIORS).filter((name) => /^(matmul|tunedAttention|mixture|latent[TU]|generation$)/.test(name)),
);

type Spread = Fitted['spread'];

/** The estimator's constants of a vector, to three significant digits. */
export function fittedOf(vector: Vector, spread: Spread): Fitted {
  const at = (name: string, factor = 1): number => Number(((vector[name] ?? 0) * factor).toPrecision(3));
  return {
    matmul: {
      volta: at('matmulTuring'),
      turing: at('matmulTuring'),
      ampere: at('matmulAmpere'),
      ada: at('matmulAda'),
      hopper: at('matmulHopper'),
      blackwell: at('matmulHopper'),
      cdna3: at('matmulHopper', 0.8),
    },
    tunedAttention: at('tunedAttention'),
    mixture: { plain: at('mixturePlain'), fused: at('mixturePlain', 2), tuned: at('mixtureTuned') },
    bytesPerWidth: { plain: at('bytesPlain'), fused: at('bytesFused'), tuned: at('bytesTuned') },
    adapterBytesPerWidth: at('adapterBytes'),
    unpackBytes: at('unpackBytes'),
    layerMilliseconds: { plain: at('layerPlain'), fused: at('layerFused'), tuned: at('layerTuned') },
    generation: at('generation'),
    latent: { transformer: at('latentTransformer'), unet: at('latentUnet') },
    latentSeconds: at('latentSeconds'),
    unetSeconds: at('unetSeconds'),
    spread,
  };
}
