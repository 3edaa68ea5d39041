import type { Contract, Resolved, TrainingJob } from '@kriptik/crds';
import type { Recommendation } from '../planner/types.ts';
import type { Priced, PriceInput, priceWithHub } from './price.ts';
import { type Start, startOf } from './start.ts';

/** What an amendment takes the place of. */
export interface Amended {
  readonly job: TrainingJob;
  /** What that job trains. */
  readonly present: Resolved;
  /** Where the amendment was said to begin when it was priced before. */
  readonly told?: Start | undefined;
}

/**
 * The price of an amendment, with where it begins. Where it goes on from a checkpoint only the steps from there on are
 * to be paid, so the same plan is priced once more for as many. Rejects as the pricing does.
 */
export async function priceAmendment(
  input: PriceInput,
  { job, present, told }: Amended,
  price: typeof priceWithHub,
): Promise<Priced> {
  const whole = await price(input);
  if ('blocked' in whole.result) return whole;
  const { resolved, quote } = whole.result;
  const { modality } = input.plan.spec.contract;
  const start = startOf({ modality, before: present, after: resolved, steps: quote.steps, job, told });
  const begun: Recommendation = { ...whole.result, resolved: { ...resolved, start } };
  if (start.step === 0) return { ...whole, result: begun };
  const { contract } = input.plan.spec;
  const steps = start.lastStep - start.step;
  const spec = { ...input.plan.spec, contract: forSteps(contract, steps) };
  const { result: rest } = await price({ ...input, plan: { ...input.plan, spec } });
  // Where the selection says how many passes are made, that goes before steps: then the whole is the price, which is more.
  if ('blocked' in rest || rest.quote.steps !== steps) return { ...whole, result: begun };
  const tiles = begun.tiles.map((tile) =>
    tile.name === 'GPU' || tile.name === 'Budget' ? (rest.tiles.find(({ name }) => name === tile.name) ?? tile) : tile,
  );
  return { ...whole, result: { ...begun, quote: rest.quote, tiles } };
}

function forSteps(contract: Contract, maxSteps: number): Contract {
  const { epochs: _passes, ...constraints } = contract.constraints;
  return { ...contract, constraints: { ...constraints, maxSteps } };
}
