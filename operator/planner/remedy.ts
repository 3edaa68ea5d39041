import { addMoney, formatMoney, formatUsd, type MicroUsd, parseMoney } from '../money.ts';
import { type Ceiling, ceilingOf } from './policy-ceiling.ts';
import { conflictsOf } from './policy-conflict.ts';
import type { PolicyRule } from './policy-types.ts';
import { ruleName } from './policy-types.ts';
import { rulesOf, WISHES, type Wish, withoutRules } from './remedy-relax.ts';
import type { Blocked, BlockReason, Instead, Recommendation, RecommendInput } from './types.ts';

/** A plan without its tiles, or why there is none: all that is needed to look for a way out. */
export type Outcome = Plan | Blocked;
type Plan = Pick<Recommendation, 'resolved' | 'quote'>;

/** Plans once. Called many times while a remedy is looked for, so it should not price alternatives. */
export type Attempt = (input: RecommendInput) => Outcome;

/** Reasons that a policy may hide behind: with its GPUs gone a model no longer fits, or a deadline is too short. */
const MAY_BE_POLICY: ReadonlySet<BlockReason> = new Set<BlockReason>([
  'ForbiddenByPolicy',
  'NoProvider',
  'NoSuitableModel',
  'UnsupportedMethod',
  'DoesNotFitInMemory',
  'DeadlineTooShort',
  'NoData',
]);

/**
 * Why policies stop a plan, by name of policy and field, and the nearest plan
 * that passes; undefined when policies are not what stops it. A plan stops at
 * a ceiling when even shortened to it nothing useful is left.
 */
export function policyBlock(input: RecommendInput, outcome: Outcome, attempt: Attempt): Blocked | undefined {
  if (input.policy.sources.length === 0) return undefined;
  if ('blocked' in outcome) {
    if (!MAY_BE_POLICY.has(outcome.blocked.reason)) return undefined;
    const rules = clashingRules(input, attempt, isPlan);
    if (rules.length === 0) return besides(input, outcome, attempt);
    const plain = outcome.blocked.message.replace(/\.+$/, '');
    const why = (all: readonly PolicyRule[]): string =>
      `${named(all)} ${all.length > 1 ? 'stop' : 'stops'} this plan. ${plain}.`;
    return explain(input, rules, why, (relaxed) => {
      const found = attempt(relaxed);
      return isPlan(found) && !isOver(found, ceilingOf(relaxed.policy, relaxed.monthlyRemaining)) ? found : undefined;
    });
  }
  return overCeiling(input, outcome, attempt);
}

/** Where a plan fails without any policy, too, that reason is the one to mend first. */
function besides(input: RecommendInput, { blocked }: Blocked, attempt: Attempt): Blocked | undefined {
  if (blocked.reason !== 'ForbiddenByPolicy') return undefined;
  const free = attempt(withoutRules(input, rulesOf(input.policy.sources)));
  if (isPlan(free)) return undefined;
  const policies = `Policies stand in the way besides (${input.policy.names.join(', ')}).`;
  return { blocked: { ...free.blocked, message: `${free.blocked.message} ${policies}` } };
}

/** Neither fits nor could fit if its budget were raised to the ceiling. */
function isOver({ quote }: Plan, ceiling: Ceiling | undefined): boolean {
  return !quote.fits && ceiling !== undefined && neededFor(quote) > ceiling.amount;
}

function neededFor({ total, reserve }: Plan['quote']): MicroUsd {
  return addMoney(parseMoney(total.expected), parseMoney(reserve));
}

/** A plan that costs more than policies allow, which no raise of its budget could help. */
function overCeiling(input: RecommendInput, plan: Plan, attempt: Attempt): Blocked | undefined {
  const ceiling = ceilingOf(input.policy, input.monthlyRemaining);
  if (ceiling === undefined || !isOver(plan, ceiling)) return undefined;
  const atCeiling = attempt(withLimit(input, ceiling.amount));
  if (fitting(atCeiling)) return undefined;
  const message = `The plan needs ${formatUsd(neededFor(plan.quote))} with its reserve, and ${ceiling.text}.`;
  return explain(
    input,
    [ceiling.rule],
    () => message,
    (relaxed) => {
      const found = attempt(relaxed);
      return fitting(found) ? found : undefined;
    },
  );
}

/**
 * Where two rules leave nothing between them, either alone could give way: both are named. Nothing that the goal
 * gives up helps then.
 */
function explain(
  input: RecommendInput,
  stopping: readonly PolicyRule[],
  why: (rules: readonly PolicyRule[]) => string,
  plan: (input: RecommendInput) => Plan | undefined,
): Blocked {
  const models = input.catalog.models.map(({ id, family, hub }) => [id, family, hub]);
  const conflict = conflictsOf(input.policy, models).find((one) => one.rules.some((rule) => stopping.some(same(rule))));
  const rules = [...new Map([...(conflict?.rules ?? []), ...stopping].map((rule) => [ruleName(rule), rule])).values()];
  const instead = nearest(input, plan);
  const ask = `ask the platform team to change ${named(rules)}`;
  return {
    blocked: {
      reason: 'ForbiddenByPolicy',
      message: conflict === undefined ? why(rules) : `${conflict.text}. ${why(rules)}`,
      remedy:
        instead === undefined
          ? `Nothing passes whatever the goal gives up: ${ask}.${regionsText(input, rules)}`
          : `This passes: ${instead.summary}, about ${formatUsd(parseMoney(instead.cost))}. ${changesText(instead)} Or ${ask}.${regionsText(input, rules)}`,
      rules,
      ...(instead !== undefined && { instead }),
    },
  };
}

/** A smallest set of rules without which the plan passes: all are dropped, then those put back that do no harm. */
function clashingRules(
  input: RecommendInput,
  attempt: Attempt,
  passes: (outcome: Outcome) => boolean,
): readonly PolicyRule[] {
  let dropped = rulesOf(input.policy.sources);
  if (dropped.length === 0 || !passes(attempt(withoutRules(input, dropped)))) return [];
  for (const rule of dropped) {
    const fewer = dropped.filter((other) => other !== rule);
    if (passes(attempt(withoutRules(input, fewer)))) dropped = fewer;
  }
  return dropped;
}

/**
 * The plan that passes with the fewest wishes given up: one of them, in the
 * order of WISHES, else all up to one of them.
 */
function nearest(input: RecommendInput, plan: (input: RecommendInput) => Plan | undefined): Instead | undefined {
  const set = WISHES.filter(({ isSet }) => isSet(input));
  for (const wish of set) {
    const found = plan(wish.giveUp(input));
    if (found !== undefined) return describe(found, [wish]);
  }
  let relaxed = input;
  for (const [index, wish] of set.entries()) {
    relaxed = wish.giveUp(relaxed);
    const found = index === 0 ? undefined : plan(relaxed);
    if (found !== undefined) return describe(found, set.slice(0, index + 1));
  }
  return undefined;
}

function describe(found: Plan, wishes: readonly Wish[]): Instead {
  const { model, method, compute } = found.resolved;
  const where =
    compute.gpu === 'cpu' ? 'the processor' : `${compute.gpuCount > 1 ? `${compute.gpuCount} x ` : ''}${compute.gpu}`;
  return {
    summary: `${model.title} with ${method.name} on ${where} of ${compute.provider}${compute.region === undefined ? '' : ` in ${compute.region}`}`,
    cost: found.quote.total.expected,
    hours: found.quote.hours.expected,
    changes: wishes.map(({ field, newValue }) => {
      const value = newValue(found);
      return { field, ...(value !== undefined && { value }) };
    }),
  };
}

/** A provider without regions may well run in an allowed one; it only does not say so. */
function regionsText({ providers }: RecommendInput, rules: readonly PolicyRule[]): string {
  const silent = providers.filter(
    ({ type, regions }) => regions.length === 0 && type !== 'local' && type !== 'kubernetes',
  );
  if (silent.length === 0 || !rules.some(({ path }) => path === 'spec.regions.allowed')) return '';
  const names = [...new Set(silent.map(({ name }) => name))].toSorted();
  return ` Or name the regions in spec.regions of the ComputeProvider ${names.join(' or ')}, where it has them.`;
}

function changesText({ changes }: Instead): string {
  return changes
    .map(({ field, value }) => (value === undefined ? `Remove ${field}.` : `Set ${field} to ${value}.`))
    .join(' ');
}

function withLimit(input: RecommendInput, limit: MicroUsd): RecommendInput {
  const { contract } = input;
  return { ...input, contract: { ...contract, budget: { ...contract.budget, limit: formatMoney(limit) } } };
}

function named(rules: readonly PolicyRule[]): string {
  return rules.map(ruleName).join(' and ');
}

function same(a: PolicyRule): (b: PolicyRule) => boolean {
  return (b) => a.policy === b.policy && a.path === b.path;
}

function isPlan(outcome: Outcome): outcome is Plan {
  return !('blocked' in outcome);
}

function fitting(outcome: Outcome): outcome is Plan {
  return isPlan(outcome) && outcome.quote.fits;
}
