import type { Workload, WorkModel } from './workload.ts';

/** A sound model's backbone, with what is derived where the catalog states nothing. */
export interface Sound {
  readonly clipSeconds: number;
  readonly framesPerSecond: number;
  readonly frozenParameters: number;
  /** Tokens of one clip. */
  readonly tokens: number;
  readonly hidden: number;
  readonly layers: number;
}

/** Tokens and clip of a sound model: codec language models run at 50 tokens a second (Copet et al. 2023, MusicGen). */
export function soundOf(work: Workload): Sound {
  const { model } = work;
  const audio = model.architecture?.audio;
  const clipSeconds = work.clipSeconds ?? usualClip(model);
  const framesPerSecond = audio?.framesPerSecond ?? 50;
  const hidden = audio?.hidden ?? (model.parameters > 1e9 ? 1536 : 1024);
  return {
    clipSeconds,
    framesPerSecond,
    frozenParameters: audio?.frozenParameters ?? 200e6,
    tokens: clipSeconds * framesPerSecond,
    hidden,
    layers: audio?.layers ?? Math.max(6, Math.round(model.parameters / (12 * hidden * hidden))),
  };
}

/** Seconds of the clips that a sound model is usually trained on. */
export function usualClip({ architecture, parameters }: WorkModel): number {
  return architecture?.audio?.clipSeconds ?? (parameters > 1e9 ? 30 : 10);
}
