import { formatUsd, type MicroUsd, minMoney, parseMoney, subtractMoney } from '../money.ts';
import type { Denial, EffectivePolicy } from './policy-types.ts';
import { ruleName } from './policy-types.ts';

/** The lowest sum that policies let a plan cost, and the rule that says so. */
export interface Ceiling extends Denial {
  readonly amount: MicroUsd;
}

/**
 * The ceiling in force: the lowest per job, or what the month's leaves, whichever
 * is lower. `monthlyRemaining` is what the ceiling of the namespace and month
 * leaves after what is spent and reserved; undefined where none holds.
 */
export function ceilingOf(policy: EffectivePolicy, monthlyRemaining?: MicroUsd): Ceiling | undefined {
  const { perJob, perNamespacePerMonth } = policy.ceilings;
  if (monthlyRemaining !== undefined && (perJob === undefined || monthlyRemaining < perJob)) {
    const rule = { policy: lowest(policy, 'perNamespacePerMonth'), path: 'spec.ceilings.perNamespacePerMonth' };
    const used = perNamespacePerMonth === undefined ? undefined : subtractMoney(perNamespacePerMonth, monthlyRemaining);
    const left =
      used === undefined || perNamespacePerMonth === undefined
        ? `leaves ${formatUsd(monthlyRemaining)} this month`
        : `leaves ${formatUsd(monthlyRemaining)} this month: ${formatUsd(used)} of ${formatUsd(perNamespacePerMonth)} are spent or promised to jobs`;
    return { amount: monthlyRemaining, rule, text: `${ruleName(rule)} ${left}` };
  }
  if (perJob === undefined) return undefined;
  const rule = { policy: lowest(policy, 'perJob'), path: 'spec.ceilings.perJob' };
  return { amount: perJob, rule, text: `${ruleName(rule)} allows ${formatUsd(perJob)} a job` };
}

/** Name of the policy with the lowest ceiling of a kind; the first by name of several. */
function lowest({ sources }: EffectivePolicy, kind: 'perJob' | 'perNamespacePerMonth'): string {
  const amounts = sources.flatMap(({ name, spec }) => {
    const text = spec.ceilings?.[kind];
    return text === undefined ? [] : [{ name, amount: parseMoney(text, `${name}: spec.ceilings.${kind}`) }];
  });
  const [first, ...rest] = amounts;
  if (first === undefined) return '(unknown)';
  const least = minMoney(first.amount, ...rest.map(({ amount }) => amount));
  return amounts.find(({ amount }) => amount === least)?.name ?? first.name;
}
