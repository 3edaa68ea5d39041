import {
  TrainingGoalResource as GOALS,
  GROUP,
  TrainingJobResource as JOBS,
  TrainingPlanResource as PLANS,
  TrainingPolicyResource as POLICIES,
  ComputeProviderResource as PROVIDERS,
  TrainingReceiptResource as RECEIPTS,
  VERSION,
} from '@kriptik/crds';
import type { ResourceType } from '@kriptik/operator/runtime/types.ts';
import { usageError } from './errors.ts';
import { didYouMean } from './suggest.ts';

export { GOALS, GROUP, JOBS, PLANS, POLICIES, PROVIDERS, RECEIPTS, VERSION };

export const EVENTS: ResourceType = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };

/** Every kind the command line speaks of, with the words people may type for it. */
export const KINDS: readonly {
  readonly type: ResourceType;
  readonly word: string;
  readonly aliases: readonly string[];
}[] = [
  { type: GOALS, word: 'goals', aliases: ['goal', 'tg', 'traininggoal', 'traininggoals'] },
  { type: PLANS, word: 'plans', aliases: ['plan', 'tp', 'trainingplan', 'trainingplans'] },
  { type: JOBS, word: 'jobs', aliases: ['job', 'tj', 'trainingjob', 'trainingjobs'] },
  { type: POLICIES, word: 'policies', aliases: ['policy', 'tpol', 'trainingpolicy', 'trainingpolicies'] },
  { type: RECEIPTS, word: 'receipts', aliases: ['receipt', 'tr', 'trainingreceipt', 'trainingreceipts'] },
  { type: PROVIDERS, word: 'providers', aliases: ['provider', 'cp', 'computeprovider', 'computeproviders'] },
];

/** The kind a word stands for. @throws CliError (usage) that lists the kinds. */
export function kindOf(word: string): ResourceType {
  const asked = word.toLowerCase();
  const found = KINDS.find((kind) => kind.word === asked || kind.aliases.includes(asked));
  if (found !== undefined) return found.type;
  const words = KINDS.map((kind) => kind.word);
  throw usageError(
    `"${word}" is not a kind of KripTik`,
    ...[didYouMean(asked, [...words, ...KINDS.flatMap((kind) => kind.aliases)])].filter((line) => line !== undefined),
    `Kinds: ${words.join(', ')}.`,
  );
}

/** The word for a kind in messages and commands: `goal`, `plan`, ... */
export function wordOf(type: ResourceType): string {
  return KINDS.find((kind) => kind.type.plural === type.plural)?.aliases[0] ?? type.kind.toLowerCase();
}

/** Reads `name` or `kind/name`. */
export function parseTarget(text: string): { readonly type?: ResourceType; readonly name: string } {
  const slash = text.indexOf('/');
  if (slash < 0) return { name: text };
  const name = text.slice(slash + 1);
  if (name === '' || name.includes('/'))
    throw usageError(`"${text}" does not name an object`, 'Write NAME or KIND/NAME, for example goal/helpdesk.');
  return { type: kindOf(text.slice(0, slash)), name };
}
