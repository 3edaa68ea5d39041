import type { Hints } from './hints.ts';
import type { PublishedRow } from './row.ts';

/** Well-known training sets: rows and mean tokens of a row, chat template included. */
const DATASETS: readonly (readonly [RegExp, { readonly rows: number; readonly tokens: number }])[] = [
  [/alpaca/i, { rows: 52_002, tokens: 140 }],
  [/dolly/i, { rows: 15_011, tokens: 300 }],
  [/oasst|openassistant|guanaco/i, { rows: 9846, tokens: 420 }],
  [/sharegpt|vicuna/i, { rows: 70_000, tokens: 1800 }],
  [/ultrachat/i, { rows: 208_000, tokens: 1150 }],
  [/ultrafeedback/i, { rows: 61_000, tokens: 650 }],
  [/llava/i, { rows: 665_000, tokens: 330 }],
  [/open-?orca|slim-?orca/i, { rows: 518_000, tokens: 420 }],
  [/gsm8k/i, { rows: 7473, tokens: 180 }],
];

/** What is usual of such a run where the row does not tell: rows, tokens of a row, passes. */
export interface Typical {
  readonly rows: number;
  readonly tokensPerRow: number;
  readonly epochs: number;
}

export function typicalOf({ note, method, modality }: PublishedRow, sequence: number): Typical {
  const dataset = DATASETS.find(([pattern]) => pattern.test(note))?.[1];
  const tokens = dataset?.tokens ?? (method === 'rlhf' ? sequence : Math.min(500, sequence * 0.45));
  return {
    rows: dataset?.rows ?? (modality === 'image' ? 20 : modality === 'video' ? 30 : 10_000),
    tokensPerRow: tokens,
    epochs: method === 'dpo' || method === 'rlhf' || modality === 'multimodal' ? 1 : 3,
  };
}

/** Rows that all devices together train on, for runs told in hours; undefined where steps tell it. */
export function rowsTrained(row: PublishedRow, hints: Hints, clipSeconds: number): number {
  const usual = typicalOf(row, row.sequence ?? 2048);
  if (row.modality === 'audio') return soundRows(hints, clipSeconds);
  if (row.modality === 'image' || row.modality === 'video') {
    const rows = hints.rows ?? usual.rows;
    // Without steps or passes: a hundred looks at each picture, forty at each clip, as the planner's rules have it.
    const looks = hints.epochs ?? (row.modality === 'image' ? 100 : 40);
    return hints.epochs === undefined ? Math.min(3000, Math.max(800, rows * looks)) : rows * looks;
  }
  const rows = hints.rows ?? (hints.tokens === undefined ? usual.rows : (hints.tokens * 1e6) / usual.tokensPerRow);
  return rows * (hints.epochs ?? (hints.tokens === undefined ? usual.epochs : 1));
}

/** Little sound is looked at many times: 30 passes over one hour, one over a hundred. */
function soundRows(hints: Hints, clipSeconds: number): number {
  if (hints.rows !== undefined && hints.soundSeconds === undefined) return hints.rows * (hints.epochs ?? 10);
  const seconds = hints.soundSeconds ?? 3600;
  const epochs = hints.epochs ?? Math.min(100, Math.max(1, Math.round(30 / (seconds / 3600) ** 0.7)));
  return (seconds / clipSeconds) * epochs;
}
