import type { TrainingGoalSpec } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { lock } from './lock.ts';
import { OFFLINE, readOffline } from './offline/parser.ts';
import type { IntentParser, IntentResult } from './types.ts';

export interface GoalInput {
  readonly goal: TrainingGoalSpec;
  /** metadata.generation. */
  readonly generation: number;
  readonly catalog: Catalog;
}

/** Reads a goal with the embedded parser alone: deterministic, without network. */
export function parseGoal({ goal, generation, catalog }: GoalInput): IntentResult {
  return lock({ draft: readOffline(goal.goal, catalog), parsedBy: OFFLINE, goal, generation, catalog });
}

/**
 * Reads a goal with the first parser that can, else with the embedded one. Each
 * parser's failure is reported in `failures`; it never fails the goal. Rejects
 * only when `signal` aborts.
 */
export async function readGoal(
  input: GoalInput & { readonly parsers: readonly IntentParser[]; readonly signal: AbortSignal },
): Promise<IntentResult & { readonly failures: readonly string[] }> {
  const { goal, generation, catalog, parsers, signal } = input;
  const failures: string[] = [];
  for (const parser of parsers) {
    try {
      const draft = await parser.parse({ goal, catalog }, { signal });
      // What the embedded rules refuse stays refused: text that talks a model round must not pass.
      const embedded = readOffline(goal.goal, catalog);
      const checked = {
        ...draft,
        refusal: embedded.refusal ?? draft.refusal,
        injection: draft.injection || embedded.injection,
      };
      return { ...lock({ draft: checked, parsedBy: parser.parsedBy, goal, generation, catalog }), failures };
    } catch (error) {
      signal.throwIfAborted();
      failures.push(
        `${parser.parsedBy.model ?? parser.parsedBy.source}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return { ...parseGoal({ goal, generation, catalog }), failures };
}
