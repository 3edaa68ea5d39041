import type { ComputeProvider, Contract, TrainingGoal, TrainingPolicy } from '@kriptik/crds';
import { planDigest } from '../digest.ts';
import { parseGoal } from '../intent/parse.ts';
import type { Question } from '../intent/types.ts';
import type { Blocked, Recommendation } from '../planner/types.ts';
import type { Market } from '../provider/offers.ts';
import type { DataCheck } from '../trainer/check.ts';
import { DataProblem, LocalDataFacts } from './data-facts.ts';
import { policyFor, propose } from './propose.ts';

/** What a goal would become: a priced plan, questions, a refusal, or why it cannot be planned now. */
export type Preview =
  | (Recommendation & { readonly contract: Contract; readonly digest: string })
  | { readonly questions: readonly Question[] }
  | { readonly refused: string }
  | Blocked;

export interface PreviewInput {
  readonly goal: Pick<TrainingGoal, 'spec' | 'metadata'>;
  readonly providers: readonly ComputeProvider[];
  readonly policies: readonly TrainingPolicy[];
  readonly market: Market;
  readonly hubReachable: boolean;
  readonly checkData: DataCheck;
  /** Epoch ms. */
  readonly now: number;
}

/** Plans and prices a goal without a cluster, by the same steps as the operator. Providers count as ready. */
export async function previewPlan(input: PreviewInput): Promise<Preview> {
  const { goal, market } = input;
  const reading = parseGoal({ goal: goal.spec, generation: goal.metadata.generation ?? 1, catalog: market.catalog });
  if (reading.outcome === 'NeedsClarification') return { questions: reading.questions };
  if (reading.outcome === 'Refused') return { refused: reading.reason };
  const { contract } = reading;
  try {
    const result = propose({
      plan: { spec: { goalRef: { name: goal.metadata.name, uid: '' }, contract } },
      market,
      providers: input.providers.map(asReady),
      policy: policyFor(input.policies, {}),
      facts: await new LocalDataFacts(input.checkData).of(contract),
      jobs: [],
      hubReachable: input.hubReachable,
      now: input.now,
    });
    if ('blocked' in result) return result;
    const { resolved, quote } = result;
    return { ...result, contract, digest: planDigest({ contract, resolved, quote }) };
  } catch (error) {
    if (!(error instanceof DataProblem)) throw error;
    return { blocked: { reason: 'DataUnreadable', message: error.message, remedy: 'Then plan again' } };
  }
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
