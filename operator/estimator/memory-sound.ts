import type { MemoryEstimate } from './memory-parts.ts';
import { averageBytes, sumUp, trainedPart } from './memory-parts.ts';
import { soundOf } from './sound.ts';
import type { Workload } from './workload.ts';
import { shardCount, trainsAdapter } from './workload.ts';

/** Bytes a hidden unit and token of one layer: attention, cross-attention and feed-forward block. */
const LAYER_BYTES = 60;
/** What recomputation leaves of it: the inputs of self-attention, cross-attention and feed-forward block, as MusicGen's runs show. */
const CHECKPOINTED_BYTES = 10;
/** Waveforms, spectrograms and a vocoder's generator and discriminators, for a second of sound at batch 1. */
const WAVEFORM_BYTES = 0.045e9;
/** Voice cloning trains a vocoder against discriminators: batches of cut clips beside the model. */
const ADVERSARIAL = 6e9;

/** Peak memory of a sound model's training: backbone, frozen codec and encoders, clips. */
export function memoryOfSound(work: Workload): MemoryEstimate {
  const { model } = work;
  const sound = soundOf(work);
  const half = work.device.kind === 'gpu' ? 2 : 4;
  const adapter = trainsAdapter(work);
  const trained = adapter ? undefined : trainedPart(work, model.parameters);
  const clip =
    sound.tokens *
      sound.hidden *
      (half / 2) *
      sound.layers *
      (work.gradientCheckpointing ? CHECKPOINTED_BYTES : LAYER_BYTES) +
    sound.tokens * sound.hidden * LAYER_BYTES;
  const frozen = sound.frozenParameters * 4;
  return sumUp(
    work,
    {
      weights: trained?.weights ?? (model.parameters * half) / shardCount(work),
      beside: frozen + (work.method === 'voice-clone' ? ADVERSARIAL : 0),
      gradients: trained?.gradients ?? 0,
      optimizer: trained?.optimizer ?? 0,
      adapters: adapter ? (work.loraRank ?? 16) * 18 * sound.hidden * sound.layers * (16 + averageBytes(work)) : 0,
      activations: work.batchSize * (clip + sound.clipSeconds * WAVEFORM_BYTES),
      logits: 0,
      cache: 0,
      step: trained?.step ?? 0,
    },
    trained?.host ?? 0,
  );
}
