import { type GoalReading, readGoal } from '@kriptik/operator/intent/parse.ts';
import type { IntentParser } from '@kriptik/operator/intent/parsers.ts';
import type { Clock } from '@kriptik/operator/runtime/clock.ts';
import { deepFreeze } from '@kriptik/operator/runtime/freeze.ts';

/** Reads every goal the same way: what is under test begins behind the parser. */
export const simParser: IntentParser = {
  parsedBy: { source: 'claude', model: 'sim', version: '1' },
  parse: ({ goal }) =>
    Promise.resolve({
      draft: {
        modality: 'llm' as const,
        capability: 'question-answering',
        summary: goal.goal,
        methods: ['lora' as const],
        methodStated: true,
        model: null,
        modelParametersB: null,
        quality: null,
        datasetHint: null,
        datasetSize: null,
        rows: null,
        dataUris: [],
        budget: limitIn(goal.goal),
        deadlineHours: null,
        deadlineDate: null,
        gpuLimit: null,
        gpuCount: null,
        gpuMemoryGb: null,
        localOnly: true,
        privateOnly: false,
        regions: [],
        commercialUse: false,
        licenses: [],
        outputs: [],
        questions: [],
        conflict: false,
        refusal: null,
        injection: false,
        assumptions: [],
      },
    }),
};

/** "$0.24" in a goal's text. */
function limitIn(text: string): { amount: string; currency: string } | null {
  const amount = /\$(\d+\.\d+)/.exec(text)?.[1];
  return amount === undefined ? null : { amount, currency: 'USD' };
}

const known = new Map<string, GoalReading>();

/**
 * Reads what the runs have in common once: the same goal reads the same in each of them. The answer comes by a timer,
 * so that a run does not depend on the runs before it.
 */
export function rememberedReading(clock: Clock): typeof readGoal {
  return async (input) => {
    const due = clock.sleep(0);
    const key = JSON.stringify([input.goal, input.generation, input.stored, input.now]);
    const reading = known.get(key) ?? deepFreeze(await readGoal(input));
    known.set(key, reading);
    await due;
    return reading;
  };
}
