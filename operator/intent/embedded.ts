import type { TrainingGoalSpec } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { lock } from './lock.ts';
import { OFFLINE, readOffline } from './offline/parser.ts';
import type { IntentResult } from './types.ts';

export interface GoalInput {
  readonly goal: TrainingGoalSpec;
  /** metadata.generation. */
  readonly generation: number;
  readonly catalog: Catalog;
  /** Epoch ms by which a date in the text counts as past; absent = dates are not judged. */
  readonly now?: number | undefined;
}

/** Reads a goal with the embedded parser alone: deterministic, without network. */
export function parseGoal({ goal, generation, catalog, now }: GoalInput): IntentResult {
  return lock({ draft: readOffline(goal.goal, catalog), parsedBy: OFFLINE, goal, generation, catalog, now });
}
