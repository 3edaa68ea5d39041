import type { ProviderType, TileName, TrainingPolicySpec } from '@kriptik/crds';
import type { MicroUsd } from '../money.ts';

/** One rule of one TrainingPolicy: its name, and the path of the field that holds the rule. */
export interface PolicyRule {
  readonly policy: string;
  /** Such as "spec.regions.allowed". */
  readonly path: string;
}

/** Why a policy forbids something; `text` names the rule and reads well after "because". */
export interface Denial {
  readonly rule: PolicyRule;
  readonly text: string;
}

/** A policy as it was written. */
export interface PolicySource {
  readonly name: string;
  readonly spec: TrainingPolicySpec;
}

/** Several TrainingPolicies merged to the most restrictive. `undefined` = not restricted. */
export interface EffectivePolicy {
  /** Names of the policies that took part, for messages. */
  readonly names: readonly string[];
  /** The policies themselves, by name: they tell which rule of which policy stands in the way. */
  readonly sources: readonly PolicySource[];
  readonly providers: { readonly allowed?: readonly ProviderType[]; readonly denied: readonly ProviderType[] };
  readonly gpus: { readonly allowed?: readonly string[]; readonly maxCount?: number };
  readonly licenses: { readonly allowed?: readonly string[]; readonly denied: readonly string[] };
  readonly regions: { readonly allowed?: readonly string[] };
  /** Model patterns: catalog ids, families or Hub names; `*` stands for any text. Every list must admit a model. */
  readonly models: { readonly allowed: readonly (readonly string[])[]; readonly denied: readonly string[] };
  readonly ceilings: { readonly perJob?: MicroUsd; readonly perNamespacePerMonth?: MicroUsd };
  readonly approval: {
    /** Absent unless every policy that speaks of approval allows some amount. */
    readonly autoApproveBelow?: MicroUsd;
    readonly authorMayApprove: boolean;
    readonly tiles: readonly { names: readonly TileName[]; groups: readonly string[]; users: readonly string[] }[];
  };
}

/** "TrainingPolicy/eu-only spec.regions.allowed". */
export function ruleName({ policy, path }: PolicyRule): string {
  return `TrainingPolicy/${policy} ${path}`;
}
