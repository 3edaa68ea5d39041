import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CardAdvice } from './schema/card.ts';
import type { ClaudePrices } from './schema/claude.ts';
import type { DatasetSpec } from './schema/dataset.ts';
import type { Family } from './schema/family.ts';
import type { Fx } from './schema/fx.ts';
import type { GpuSpec } from './schema/gpu.ts';
import type { LicenseSpec } from './schema/license.ts';
import type { MethodSpec } from './schema/method.ts';
import type { ModelSpec } from './schema/model.ts';
import type { PriceRow } from './schema/price.ts';
import type { Speeds } from './speeds-schema.ts';

export type { CardAdvice } from './schema/card.ts';
export type { DatasetSpec } from './schema/dataset.ts';
export type { Family } from './schema/family.ts';
export type { Fx } from './schema/fx.ts';
export type { GpuSpec } from './schema/gpu.ts';
export type { LicenseSpec } from './schema/license.ts';
export type { MethodSpec } from './schema/method.ts';
export type { ModelSpec, Shape } from './schema/model.ts';
export type { PriceRow } from './schema/price.ts';
export type { Speeds } from './speeds-schema.ts';

/** What the planner knows about the world outside the cluster: dated facts, no behaviour. */
export interface Catalog {
  readonly models: readonly ModelSpec[];
  readonly families: readonly Family[];
  readonly gpus: readonly GpuSpec[];
  readonly prices: readonly PriceRow[];
  readonly methods: readonly MethodSpec[];
  readonly cards: readonly CardAdvice[];
  readonly datasets: readonly DatasetSpec[];
  readonly licenses: readonly LicenseSpec[];
  readonly fx: Fx;
  /** What reading a goal with Claude costs; no part of a plan's price. */
  readonly claudePrices: ClaudePrices;
  readonly speeds: Speeds;
}

/** A data file that does not have the shape it must have. The message names file and field. */
export class InvalidCatalog extends Error {
  override readonly name = 'InvalidCatalog';
}

/** All data files as one, written by generate.ts: read in a few milliseconds, without a parser or validator. */
export const GENERATED = join(import.meta.dirname, 'generated', 'catalog.json');

/** The catalog as it is shipped, without what a user refreshed (see overlay.ts). */
export function loadCatalog(): Catalog {
  return JSON.parse(readFileSync(GENERATED, 'utf8')) as Catalog;
}
