import type { Modality, PlannedData } from '@kriptik/crds';

type HeldOut = NonNullable<PlannedData['heldOut']>;

/**
 * Below this many examples each one is needed for training, and a tenth of them
 * would be fewer than 20: a share of right answers known to 11 points at best.
 */
const FEWEST_ROWS = 200;
const FEW_ROWS = 1000;
/**
 * Rows that judge a result well enough: of n answers the share of right ones is
 * known to one standard error of at most sqrt(0.25 / n), 2.2 points for 500.
 */
const MOST_HELD_OUT = 500;
/** From here on a second set is kept for one look at the end. */
const ROWS_FOR_TEST = 2000;

/** How the rows are split. Shares are of all rows; `train` is what is left to learn from. */
export interface Split {
  readonly heldOut?: HeldOut;
  readonly train: number;
  readonly evaluation: number;
  readonly test: number;
}

/**
 * Rows kept from training: 10 % of a small set, 5 % of a larger one, never more
 * than 500 for a look; none of fewer than 200 rows. Of pictures and clips few are
 * kept, for people look at samples. The seed is the plan's, so that the same rows
 * are held out again.
 */
export function splitOf(rows: number, modality: Modality, seed: number): Split {
  if (modality === 'image' || modality === 'video') return splitOfSamples(rows, seed);
  if (rows < FEWEST_ROWS) return { train: rows, evaluation: 0, test: 0 };
  const share = rows < FEW_ROWS ? 0.1 : 0.05;
  const evaluation = Math.min(Math.round(rows * share), MOST_HELD_OUT);
  const test = rows < ROWS_FOR_TEST ? 0 : evaluation;
  return {
    heldOut: { evalShare: decimal(evaluation / rows), testShare: decimal(test / rows), seed },
    train: rows - evaluation - test,
    evaluation,
    test,
  };
}

/** From so many pictures or clips on one can be spared, and one of each thousand. */
const FEWEST_PICTURES = 8;
const PICTURES_FOR_ONE = 1000;

/** Pictures and clips whose captions samples are made of while training. */
function splitOfSamples(rows: number, seed: number): Split {
  if (rows < FEWEST_PICTURES) return { train: rows, evaluation: 0, test: 0 };
  const evaluation = Math.ceil(rows / PICTURES_FOR_ONE);
  return {
    heldOut: { evalShare: decimal(evaluation / rows), testShare: '0', seed },
    train: rows - evaluation,
    evaluation,
    test: 0,
  };
}

/** A share as the API carries it: at most six decimals. */
export function decimal(share: number): string {
  return share.toFixed(6).replace(/\.?0+$/, '');
}
