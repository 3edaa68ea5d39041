import type { PlanContext } from './candidate.ts';

import type { Failure } from './decide.ts';
import { judge } from './search.ts';
import type { Blocked, BlockReason } from './types.ts';

/** Problems told at once. */
const MAX_SHOWN = 4;

/** Why nothing works, by what was tried for the model that came nearest. */
export function whyNot(context: PlanContext, { narrowed, best }: Failure): Blocked {
  const model = best?.model ?? narrowed.models[0];
  if (best?.problem === undefined || model === undefined) {
    return {
      blocked: {
        reason: 'NoSuitableModel',
        message: 'No model of the catalog suits this goal.',
        remedy: remedyOf('NoSuitableModel'),
      },
    };
  }
  if (best.problem.reason === 'TooLarge') return blocked('TooLarge', `The run is too large: ${best.problem.text}.`);
  const problems = narrowed.methods.flatMap((method) =>
    narrowed.offers.flat().flatMap((compute) => {
      const { problem } = judge(context, model, method, compute);
      return problem === undefined ? [] : [{ method, compute: compute.id, text: problem.text }];
    }),
  );
  const { reason } = best.problem;
  // Where no provider can take any work, neither model nor method is at fault.
  if (reason === 'NoProvider') {
    const why = [...new Set(problems.map(({ text }) => text))].slice(0, MAX_SHOWN);
    return blocked(reason, `No provider can take this work: ${why.join('; ')}.`);
  }
  const distinct = [...new Map(problems.map((one) => [one.text, one])).values()];
  // What was tried last is the largest, and came nearest.
  const told = [...distinct.slice(0, MAX_SHOWN - 1), ...distinct.slice(MAX_SHOWN - 1).slice(-1)];
  const shown = told.map(({ method, compute, text }) => `${method} on ${compute}: ${text}`);
  return blocked(reason, `${model.title} cannot be trained: ${shown.join('; ')}.`);
}

function blocked(reason: BlockReason, message: string): Blocked {
  return { blocked: { reason, message, remedy: remedyOf(reason) } };
}

/** What to do about a reason. */
export function remedyOf(reason: BlockReason): string {
  switch (reason) {
    case 'DataUnreadable':
      return 'Check spec.data of the goal.';
    case 'NoData':
      return 'Name the training data in spec.data of the goal.';
    case 'UnknownSelection':
      return 'Choose one of the ids in status.tiles[].alternatives.';
    case 'NoProvider':
      return 'Add a ComputeProvider that has what is missing, or make one Ready: kubectl get computeproviders.';
    case 'NoSuitableModel':
      return 'Name a model in spec.constraints.model; the catalog lists what can be trained.';
    case 'UnsupportedMethod':
      return 'Choose another method in spec.constraints.method, or add a ComputeProvider whose trainer has it.';
    case 'DoesNotFitInMemory':
      return 'Choose a smaller model (spec.constraints.model), QLoRA (spec.constraints.method), a shorter spec.constraints.maxLength, or add a provider with larger GPUs.';
    case 'ForbiddenByPolicy':
      return 'Choose what the policy allows, or ask the platform team to change it: kubectl get trainingpolicies.';
    case 'TooLarge':
      return 'Lower spec.data[].rows, spec.constraints.epochs or spec.constraints.maxSteps to what the limit pays for.';
    case 'DeadlineTooShort':
      return 'Allow more time in spec.constraints.deadline, more GPUs in spec.constraints.maxGpus, or train a smaller model.';
  }
}
