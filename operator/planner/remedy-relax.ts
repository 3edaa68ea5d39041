import type { Contract, Resolved, TrainingPolicySpec } from '@kriptik/crds';
import { mergePolicies } from './policy.ts';
import type { PolicyRule, PolicySource } from './policy-types.ts';
import type { Recommendation, RecommendInput } from './types.ts';

type Section = 'providers' | 'gpus' | 'licenses' | 'regions' | 'models' | 'ceilings';

/** Every rule that can stand in the way of a plan, by its path. */
const RULES: readonly (readonly [Section, string])[] = [
  ['providers', 'allowed'],
  ['providers', 'denied'],
  ['gpus', 'allowed'],
  ['gpus', 'maxCount'],
  ['licenses', 'allowed'],
  ['licenses', 'denied'],
  ['regions', 'allowed'],
  ['models', 'allowed'],
  ['models', 'denied'],
  ['ceilings', 'perJob'],
  ['ceilings', 'perNamespacePerMonth'],
];

/** The rules of some policies, in the order of the policies' names. */
export function rulesOf(sources: readonly PolicySource[]): readonly PolicyRule[] {
  return sources.flatMap(({ name, spec }) =>
    RULES.filter(([section, key]) => ruleValue(spec, section, key) !== undefined).map(([section, key]) => ({
      policy: name,
      path: `spec.${section}.${key}`,
    })),
  );
}

/** The same question as if these rules had not been written. */
export function withoutRules(input: RecommendInput, rules: readonly PolicyRule[]): RecommendInput {
  const dropped = (policy: string, section: Section, key: string): boolean =>
    rules.some((rule) => rule.policy === policy && rule.path === `spec.${section}.${key}`);
  const sources = input.policy.sources.map(({ name, spec }) => {
    const kept = { ...spec };
    for (const [section, key] of RULES) {
      if (!dropped(name, section, key)) continue;
      const { [key]: _dropped, ...rest } = (kept[section] ?? {}) as Record<string, unknown>;
      kept[section] = rest;
    }
    return { name, spec: kept };
  });
  const monthly = sources.some(({ spec }) => spec.ceilings?.perNamespacePerMonth !== undefined);
  const { monthlyRemaining, ...rest } = input;
  return {
    ...rest,
    policy: mergePolicies(sources),
    ...(monthly && monthlyRemaining !== undefined && { monthlyRemaining }),
  };
}

/** A wish of the goal that can be given up, and what the field then has to say. */
export interface Wish {
  readonly field: string;
  readonly isSet: (input: RecommendInput) => boolean;
  readonly giveUp: (input: RecommendInput) => RecommendInput;
  /** The value that leads to the plan that passes; undefined = remove the field. */
  readonly newValue: (plan: Pick<Recommendation, 'resolved' | 'quote'>) => string | undefined;
}

type ConstraintKey = keyof Contract['constraints'];

/** Wishes from the least to the most that is given up with them. */
export const WISHES: readonly Wish[] = [
  ...(['gpu', 'budget', 'data', 'method', 'model'] as const).map((tile) => ({
    field: `spec.selection.${tile}`,
    isSet: ({ selection }: RecommendInput) => selection?.[tile] !== undefined,
    giveUp: (input: RecommendInput) => {
      const { [tile]: _given, ...selection } = input.selection ?? {};
      return { ...input, selection };
    },
    newValue: () => undefined,
  })),
  constraint('regions', ({ compute }) => compute.region),
  constraint('gpuTypes', ({ compute }) => (compute.gpu === 'cpu' ? undefined : compute.gpu)),
  constraint('maxGpus', ({ compute }) => (compute.gpuCount === 0 ? undefined : String(compute.gpuCount))),
  constraint('providerNames', ({ compute }) => compute.provider),
  constraint('providers', ({ compute }) => compute.providerType),
  constraint('deadline', () => undefined),
  constraint('epochs', () => undefined),
  constraint('maxSteps', () => undefined),
  constraint('licenses', ({ model }) => model.license),
  {
    field: 'spec.constraints.model',
    isSet: ({ contract }) => contract.model !== undefined || contract.constraints.model !== undefined,
    giveUp: (input) => {
      const { model: _model, ...contract } = withoutConstraint(input.contract, 'model');
      return { ...input, contract };
    },
    newValue: ({ resolved }) => resolved.model.id,
  },
  {
    field: 'spec.constraints.method',
    isSet: ({ contract }) => contract.methodStated === true || contract.constraints.method !== undefined,
    giveUp: (input) => {
      const { methods: _methods, ...contract } = withoutConstraint(input.contract, 'method');
      return { ...input, contract: { ...contract, methodStated: false } };
    },
    newValue: ({ resolved }) => resolved.method.name,
  },
  {
    field: 'spec.constraints.quality',
    isSet: ({ contract }) => contract.quality !== 'quick',
    giveUp: (input) => ({ ...input, contract: { ...input.contract, quality: 'quick' } }),
    newValue: () => 'quick',
  },
];

function constraint(key: ConstraintKey, value: (resolved: Resolved) => string | undefined): Wish {
  return {
    field: `spec.constraints.${key}`,
    isSet: ({ contract }) => contract.constraints[key] !== undefined,
    giveUp: (input) => ({ ...input, contract: withoutConstraint(input.contract, key) }),
    newValue: ({ resolved }) => value(resolved),
  };
}

function withoutConstraint(contract: Contract, key: ConstraintKey): Contract {
  const { [key]: _given, ...constraints } = contract.constraints;
  return { ...contract, constraints };
}

function ruleValue(spec: TrainingPolicySpec, section: Section, key: string): unknown {
  return (spec[section] as Readonly<Record<string, unknown>> | undefined)?.[key];
}
