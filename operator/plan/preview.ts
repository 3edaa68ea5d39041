import type { ComputeProvider, Contract, TrainingGoal, TrainingPlanSpec, TrainingPolicy } from '@kriptik/crds';
import { planDigest } from '../digest.ts';
import type { Hub } from '../hub/client.ts';
import { parseGoal } from '../intent/embedded.ts';
import type { Question } from '../intent/types.ts';
import type { Blocked, ProviderOffer, Recommendation } from '../planner/types.ts';
import type { Market } from '../provider/offers.ts';
import type { DataCheck } from '../trainer/check.ts';
import { LocalDataFacts } from './data-facts.ts';
import { priceWithHub } from './price.ts';
import { policyFor } from './propose.ts';

/** What a goal would become: a priced plan, questions, a refusal, or why it cannot be planned now. */
export type Preview =
  | PricedPreview
  | { readonly questions: readonly Question[] }
  | { readonly refused: string }
  | (Blocked & { readonly contract: Contract });

/** A plan that could be approved as it is. */
export type PricedPreview = Recommendation & { readonly contract: Contract; readonly digest: string };

/** Where a goal could be trained. */
export interface Surroundings {
  /** Count as ready: nothing was probed. */
  readonly providers: readonly ComputeProvider[];
  /** Offers of providers that no cluster has. */
  readonly offers?: readonly ProviderOffer[];
}

export interface PreviewInput {
  readonly goal: Pick<TrainingGoal, 'spec' | 'metadata'>;
  /** Asked once the goal was read: what it limits the run to decides what is looked at. */
  readonly surroundings: (contract: Contract) => Surroundings;
  readonly policies: readonly TrainingPolicy[];
  /** Of the goal's namespace: they decide which policies hold. */
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly selection: NonNullable<TrainingPlanSpec['selection']>;
  readonly market: Market;
  readonly hub: Hub;
  /** Whether the plan is bound to commits of today; without it everybody gets the same plan. */
  readonly pin: boolean;
  readonly checkData: DataCheck;
  /** Epoch ms. */
  readonly now: number;
}

/** Plans and prices a goal without a cluster, by the same steps as the operator. */
export async function previewPlan(input: PreviewInput): Promise<Preview> {
  const { goal, market, now } = input;
  const generation = goal.metadata.generation ?? 1;
  const reading = parseGoal({ goal: goal.spec, generation, catalog: market.catalog, now });
  if (reading.outcome === 'NeedsClarification') return { questions: reading.questions };
  if (reading.outcome === 'Refused') return { refused: reading.reason };
  const { contract } = reading;
  const { providers, offers = [] } = input.surroundings(contract);
  const { result, unverified } = await priceWithHub({
    plan: { spec: { goalRef: { name: goal.metadata.name, uid: '' }, contract, selection: input.selection } },
    market,
    providers: providers.map(asReady),
    offers,
    policy: policyFor(input.policies, input.namespaceLabels),
    sources: [new LocalDataFacts(input.checkData)],
    hub: input.hub,
    pin: input.pin,
    now,
  });
  if ('blocked' in result) return { ...result, contract };
  const { resolved, quote } = result;
  const unchecked = unverified.map(({ message }) => `Not verified today: ${message}.`);
  const warnings = [...new Set([...result.warnings, ...unchecked])];
  return { ...result, warnings, contract, digest: planDigest({ contract, resolved, quote }) };
}

/** Without a cluster nothing was probed; the plan shows what it would be once it was. */
function asReady(provider: ComputeProvider): ComputeProvider {
  const conditions = [
    {
      type: 'Ready',
      status: 'True' as const,
      reason: 'Assumed',
      message: '',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    },
  ];
  return { ...provider, status: { ...provider.status, conditions } };
}
