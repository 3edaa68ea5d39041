import type { CostEstimate } from '../estimator/cost.ts';
import { addMoney, type MicroUsd, maxMoney, zeroMoney } from '../money.ts';
import type { Candidate } from './candidate.ts';
import type { Decision } from './decide.ts';

interface Range<T> {
  readonly low: T;
  readonly expected: T;
  readonly high: T;
}

/** Time and money of a plan as a whole. */
export interface Figures {
  readonly steps: number;
  /** Seconds. */
  readonly seconds: Range<number>;
  readonly cost: CostEstimate;
  readonly fits: boolean;
}

/** What the runs of a plan take together. One runs at a time, so the largest reserve does for all. */
export function sumFigures(runs: readonly FiguredRun[], limit: MicroUsd): Figures {
  const [only] = runs;
  const cost = runs.length === 1 && only !== undefined ? only.estimate.cost : sumCosts(runs);
  const range = (of: (run: FiguredRun) => Range<number>): Range<number> => ({
    low: runs.reduce((sum, run) => sum + of(run).low, 0),
    expected: runs.reduce((sum, run) => sum + of(run).expected, 0),
    high: runs.reduce((sum, run) => sum + of(run).high, 0),
  });
  return {
    steps: runs.reduce((sum, { steps }) => sum + steps, 0),
    seconds: range(({ estimate }) => estimate.time),
    cost,
    fits: addMoney(cost.total.expected, cost.reserve) <= limit,
  };
}

/** A run with its figures; steps are 0 where nothing is trained. */
export type FiguredRun = Pick<Candidate, 'estimate' | 'steps'>;

/** What a decision takes in all. */
export function figuresOf(decision: Decision, limit: MicroUsd): Figures {
  return decision.staged === undefined
    ? sumFigures([decision.chosen], limit)
    : sumFigures(
        decision.staged.stages.map(({ run }) => run),
        limit,
      );
}

function sumCosts(runs: readonly FiguredRun[]): CostEstimate {
  const sum = (of: (cost: CostEstimate) => MicroUsd): MicroUsd =>
    runs.reduce((total, { estimate }) => addMoney(total, of(estimate.cost)), zeroMoney);
  return {
    compute: {
      low: sum(({ compute }) => compute.low),
      expected: sum(({ compute }) => compute.expected),
      high: sum(({ compute }) => compute.high),
    },
    storage: sum(({ storage }) => storage),
    platformFee: sum(({ platformFee }) => platformFee),
    fees: {
      low: sum(({ fees }) => fees.low),
      expected: sum(({ fees }) => fees.expected),
      high: sum(({ fees }) => fees.high),
    },
    total: {
      low: sum(({ total }) => total.low),
      expected: sum(({ total }) => total.expected),
      high: sum(({ total }) => total.high),
    },
    reserve: runs.reduce((most, { estimate }) => maxMoney(most, estimate.cost.reserve), zeroMoney),
  };
}
