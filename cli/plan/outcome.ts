import type { Preview, PricedPreview } from '@kriptik/operator/plan/preview.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { printable, wrap } from '../render/width.ts';
import { didYouMean } from '../suggest.ts';
import type { PlanInput } from './input.ts';

type Unplanned = Exclude<Preview, PricedPreview>;

/** A preview for programs: the outcome in a word, then what belongs to it. */
export function documentOf(preview: Preview): object {
  if ('questions' in preview) return { outcome: 'NeedsClarification', questions: preview.questions };
  if ('refused' in preview) return { outcome: 'Refused', reason: preview.refused };
  if ('blocked' in preview) {
    const outcome = preview.blocked.reason === 'ForbiddenByPolicy' ? 'OverPolicy' : 'Blocked';
    return { outcome, ...preview.blocked, contract: preview.contract };
  }
  const { digest, contract, resolved, quote, tiles, warnings, why, changes, stalePrice } = preview;
  return {
    outcome: 'Planned',
    digest,
    contract,
    resolved,
    quote,
    tiles,
    warnings,
    why,
    changes,
    ...(stalePrice === undefined ? {} : { stalePrice }),
  };
}

/** Why there is no plan, where in the goal, and what to do; each outcome has its exit code. */
export function unplanned(preview: Unplanned, input: PlanInput, width: number): CliError {
  if ('questions' in preview) {
    const below = (text: string): string[] =>
      wrap(printable(text), Math.max(40, width - 4)).map((line) => `    ${line}`);
    return new CliError(EXIT.unclear, {
      what: 'the goal cannot be planned responsibly yet; it leaves open:',
      details: preview.questions.map(({ field, question, example }) =>
        [
          input.where(field),
          ...below(question),
          ...(example === undefined ? [] : below(`For example: ${example}`)),
        ].join('\n'),
      ),
      remedy: ['Answer these in the goal, then plan again.'],
    });
  }
  if ('refused' in preview) {
    return new CliError(EXIT.refused, {
      what: `the goal is refused: ${printable(preview.refused).replace(/\.$/, '')}`,
      where: input.where('spec.goal'),
      remedy: ['Change what the model is for. If the refusal is mistaken, say in the goal what it will be used for.'],
    });
  }
  return blocked(preview, input);
}

type Problem = Extract<Unplanned, { blocked: unknown }>['blocked'];

function blocked({ blocked: problem }: { readonly blocked: Problem }, input: PlanInput): CliError {
  const { reason, message, remedy, rules = [] } = problem;
  if (reason === 'UnknownSelection') return unknownChoice(problem);
  const field = fieldIn(message) ?? fieldIn(remedy) ?? 'spec.goal';
  return new CliError(reason === 'ForbiddenByPolicy' ? EXIT.overPolicy : EXIT.unplannable, {
    what: `the goal cannot be planned: ${printable(message).replace(/\.$/, '')}`,
    where:
      rules.length > 0
        ? rules.map(({ policy, path }) => `TrainingPolicy ${policy}, ${path}`).join('; ')
        : input.where(field),
    remedy: [printable(remedy)],
  });
}

/** The planner names the choice as a field of the plan, and every id there is. */
function unknownChoice({ message, remedy }: Problem): CliError {
  const [, tile = '', id = ''] = /spec\.selection\.(\w+): "([^"]*)"/.exec(message) ?? [];
  const [, ids = ''] = /one of: (.*?)(?:; or|\.?$)/.exec(remedy) ?? [];
  return new CliError(EXIT.notFound, {
    what: `the plan offers no ${tile}=${printable(id)}`,
    where: '--set',
    remedy: [
      ...[didYouMean(id, ids.split(', '))].filter((line) => line !== undefined),
      'Plan without --set: the list "Instead" holds what can be chosen, with its price.',
    ],
  });
}

/** The first field of a goal that a text speaks of. */
function fieldIn(text: string): string | undefined {
  return /\bspec(?:\.\w+|\[\d+\])+/.exec(text)?.[0];
}
