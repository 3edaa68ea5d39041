import type { Change, Quote, Resolved } from '@kriptik/crds';
import { formatMoney, type MicroUsd, parseMoney, subtractMoney, zeroMoney } from '../money.ts';

/** What is compared: the approved content of a plan. */
export interface Proposal {
  readonly resolved: Resolved;
  readonly quote: Quote;
}

/** The API's bound on the list. */
const MOST = 32;

/**
 * What differs between two proposals for one goal, tile by tile, and by how much total and time move. Empty for
 * equal ones.
 */
export function compareProposals(before: Proposal, after: Proposal): readonly Change[] {
  return rows(before)
    .flatMap(({ tile, what, value }, index): Change[] => {
      const now = rows(after)[index]?.value ?? '';
      return value === now ? [] : [{ tile, what, before: value.slice(0, 512), after: now.slice(0, 512) }];
    })
    .concat(totals(before.quote, after.quote))
    .slice(0, MOST);
}

interface Row {
  readonly tile: Change['tile'];
  readonly what: string;
  readonly value: string;
}

/** The same rows in the same order for every proposal. */
function rows({ resolved, quote }: Proposal): readonly Row[] {
  const { model, method, hyperparameters: hyper, data, compute, stages, start } = resolved;
  return [
    { tile: 'Model', what: 'base model', value: model.id },
    { tile: 'Model', what: 'licence', value: model.license },
    { tile: 'Method', what: 'method', value: method.name },
    { tile: 'Method', what: 'rank', value: method.lora === undefined ? 'none' : String(method.lora.r) },
    { tile: 'Method', what: 'learning rate', value: hyper.learningRate },
    { tile: 'Method', what: 'warm-up', value: `${hyper.warmupRatio} of the steps` },
    { tile: 'Method', what: 'batch', value: `${hyper.batchSize} x ${hyper.gradientAccumulation}` },
    { tile: 'Method', what: 'longest row', value: `${hyper.maxLength} tokens` },
    { tile: 'Method', what: 'precision', value: hyper.precision },
    { tile: 'Method', what: 'gradient checkpointing', value: hyper.gradientCheckpointing ? 'on' : 'off' },
    { tile: 'Method', what: 'stages', value: stages?.map(({ name }) => name).join(', ') ?? 'one' },
    { tile: 'Data', what: 'sources', value: data.map(({ uri }) => uri).join(', ') },
    { tile: 'Data', what: 'passes', value: hyper.epochs === undefined ? 'by steps' : String(hyper.epochs) },
    { tile: 'Data', what: 'steps', value: String(start?.lastStep ?? quote.steps) },
    { tile: 'GPU', what: 'provider', value: compute.provider },
    { tile: 'GPU', what: 'GPUs', value: compute.gpuCount === 0 ? compute.gpu : `${compute.gpuCount} x ${compute.gpu}` },
    { tile: 'GPU', what: 'machines', value: String(compute.nodes) },
    { tile: 'GPU', what: 'each GPU holds', value: heldBy(resolved) },
    { tile: 'GPU', what: 'price per hour', value: quote.unitPricePerHour },
    {
      tile: 'Budget',
      what: 'begins at',
      value: start?.from === 'Checkpoint' ? `step ${start.step} or later` : 'step 0',
    },
    { tile: 'Budget', what: 'fits the limit', value: quote.fits ? 'yes' : 'no' },
  ];
}

/** What each GPU holds of the model. */
export function heldBy({ parallelism }: { readonly parallelism?: string | undefined }): string {
  return parallelism === 'sharded' ? 'a shard of the model' : 'the whole model';
}

function totals(before: Quote, after: Quote): readonly Change[] {
  const cost = subtractMoney(parseMoney(after.total.expected), parseMoney(before.total.expected));
  const hours = Number(after.hours.expected) - Number(before.hours.expected);
  return [
    ...(cost === 0
      ? []
      : [
          {
            tile: 'Budget' as const,
            what: 'expected total',
            before: before.total.expected,
            after: after.total.expected,
            costDelta: signedMoney(cost),
          },
        ]),
    ...(before.hours.expected === after.hours.expected
      ? []
      : [
          {
            tile: 'Budget' as const,
            what: 'expected hours',
            before: before.hours.expected,
            after: after.hours.expected,
            hoursDelta: hours.toFixed(4).replace(/\.?0+$/, ''),
          },
        ]),
  ];
}

function signedMoney(amount: MicroUsd): string {
  return amount < 0 ? `-${formatMoney(subtractMoney(zeroMoney, amount))}` : formatMoney(amount);
}
