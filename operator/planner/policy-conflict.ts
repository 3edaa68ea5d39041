import type { TrainingPolicySpec } from '@kriptik/crds';
import { includes, matchesPattern } from './policy-check.ts';
import type { EffectivePolicy, PolicyRule } from './policy-types.ts';
import { ruleName } from './policy-types.ts';

/** Two rules that leave nothing to choose when both hold. */
export interface PolicyConflict {
  readonly rules: readonly [PolicyRule, PolicyRule];
  readonly text: string;
}

interface Side {
  readonly rule: PolicyRule;
  readonly values: readonly string[];
}

/** Names of models as patterns see them; each model has several. */
export type ModelNames = readonly (readonly string[])[];

const LISTS: readonly {
  readonly what: string;
  readonly path: string;
  readonly allowed: (spec: TrainingPolicySpec) => readonly string[] | undefined;
  readonly denied: (spec: TrainingPolicySpec) => readonly string[] | undefined;
}[] = [
  {
    what: 'provider',
    path: 'spec.providers',
    allowed: ({ providers }) => providers?.allowed,
    denied: ({ providers }) => providers?.denied,
  },
  { what: 'GPU', path: 'spec.gpus', allowed: ({ gpus }) => gpus?.allowed, denied: () => undefined },
  {
    what: 'licence',
    path: 'spec.licenses',
    allowed: ({ licenses }) => licenses?.allowed,
    denied: ({ licenses }) => licenses?.denied,
  },
  { what: 'region', path: 'spec.regions', allowed: ({ regions }) => regions?.allowed, denied: () => undefined },
];

/**
 * Pairs of rules that contradict each other: two allow lists without a common
 * value, or an allow list that another's deny list uses up. An allow list that
 * is empty contradicts itself and appears as both rules of a pair. `models` are
 * the names of every model at hand: patterns conflict when none passes both.
 */
export function conflictsOf(policy: EffectivePolicy, models: ModelNames = []): readonly PolicyConflict[] {
  const lists = LISTS.flatMap(({ what, path, allowed, denied }) => {
    const allow = sides(policy, `${path}.allowed`, allowed);
    const deny = sides(policy, `${path}.denied`, denied);
    return [
      ...empty(allow, what),
      ...pairs(allow).flatMap(([a, b]) =>
        a.values.length === 0 || b.values.length === 0 || a.values.some((value) => includes(b.values, value))
          ? []
          : [conflict(a.rule, b.rule, `have no ${what} in common (${list(a)}; ${list(b)})`)],
      ),
      ...allow.flatMap((a) =>
        deny.flatMap((d) =>
          a.values.length > 0 && a.values.every((value) => includes(d.values, value))
            ? [conflict(a.rule, d.rule, `leave no ${what}: the second denies all that the first allows (${list(a)})`)]
            : [],
        ),
      ),
    ];
  });
  return [...lists, ...modelConflicts(policy, models)];
}

function modelConflicts(policy: EffectivePolicy, models: ModelNames): readonly PolicyConflict[] {
  const allow = sides(policy, 'spec.models.allowed', (spec) => spec.models?.allowed);
  const deny = sides(policy, 'spec.models.denied', (spec) => spec.models?.denied);
  const passes = ({ values }: Side, names: readonly string[]): boolean =>
    values.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
  const admitted = (side: Side): ModelNames => models.filter((names) => passes(side, names));
  return [
    ...empty(allow, 'model'),
    ...pairs(allow).flatMap(([a, b]) =>
      admitted(a).length > 0 && admitted(b).length > 0 && !admitted(a).some((names) => passes(b, names))
        ? [conflict(a.rule, b.rule, `have no model of the catalog in common (${list(a)}; ${list(b)})`)]
        : [],
    ),
    ...allow.flatMap((a) =>
      deny.flatMap((d) =>
        admitted(a).length > 0 && admitted(a).every((names) => passes(d, names))
          ? [conflict(a.rule, d.rule, `leave no model: the second denies all that the first allows (${list(a)})`)]
          : [],
      ),
    ),
  ];
}

function sides(
  policy: EffectivePolicy,
  path: string,
  read: (spec: TrainingPolicySpec) => readonly string[] | undefined,
): readonly Side[] {
  return policy.sources.flatMap(({ name, spec }) => {
    const values = read(spec);
    return values === undefined ? [] : [{ rule: { policy: name, path }, values }];
  });
}

function empty(allow: readonly Side[], what: string): readonly PolicyConflict[] {
  return allow
    .filter(({ values }) => values.length === 0)
    .map(({ rule }) => ({
      rules: [rule, rule],
      text: `${ruleName(rule)} is an empty list, which allows no ${what} at all`,
    }));
}

function pairs(items: readonly Side[]): readonly (readonly [Side, Side])[] {
  return items.flatMap((a, index) => items.slice(index + 1).map((b) => [a, b] as const));
}

function conflict(a: PolicyRule, b: PolicyRule, text: string): PolicyConflict {
  return { rules: [a, b], text: `${ruleName(a)} and ${ruleName(b)} ${text}` };
}

function list({ values }: Side): string {
  return values.slice(0, 6).join(', ');
}
