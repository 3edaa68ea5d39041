import type { Contract } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { planningOf } from './planning.ts';
import { makeContract, makeInput, rented } from './test-builders.ts';

const full = { method: 'full', model: 'qwen2.5-7b-instruct' } as const;

function chosen(constraints: Contract['constraints']) {
  const contract = makeContract({ data: [{ uri: 's3://firm/cases', rows: 60_000 }], constraints }, '5000.00');
  const input = makeInput({ contract, providers: [rented('H100-SXM-80GB', '2.69')], dataFacts: [] });
  const outcome = planningOf(input).decideWith({});
  if (!('decision' in outcome)) throw new Error('nothing was decided');
  return outcome.decision.chosen;
}

describe('checkpoints', () => {
  it('take at most a twentieth of the training, however large they are', () => {
    const { hyperparameters, estimate } = chosen(full);
    const { checkpointSeconds, secondsPerStep } = estimate.time;
    expect(checkpointSeconds).toBeGreaterThan(60);
    expect(hyperparameters.checkpointEverySteps * secondsPerStep).toBeGreaterThanOrEqual(20 * checkpointSeconds);
    expect(estimate.time.phases.checkpoints).toBeLessThan(estimate.time.phases.train / 20 + checkpointSeconds);
  });

  it('are priced as often as they are written', () => {
    for (const constraints of [full, {}, { ...full, checkpointEverySteps: 25 }, { checkpointEverySteps: 3 }]) {
      const { hyperparameters, estimate, steps } = chosen(constraints);
      const saves = Math.ceil(steps / hyperparameters.checkpointEverySteps);
      expect(estimate.time.phases.checkpoints).toBeCloseTo(saves * estimate.time.checkpointSeconds, 6);
    }
  });

  it('are written as often as the goal says, and paid for', () => {
    const often = chosen({ ...full, checkpointEverySteps: 25 });
    expect(often.hyperparameters.checkpointEverySteps).toBe(25);
    expect(often.estimate.cost.total.expected).toBeGreaterThan(chosen(full).estimate.cost.total.expected);
  });
});
