import type { Candidate } from './candidate.ts';
import { gigabytes } from './problems.ts';
import { tasksOf } from './tasks.ts';
import type { Reason } from './types.ts';

/** Why each setting of a run is what it is: the rule behind it, or the goal's own word. */
export function hyperparameterReasons(candidate: Candidate): readonly Reason[] {
  const { hyperparameters: hyper, lora } = candidate;
  const method = (what: string, value: string, because: string, source?: string): Reason => ({
    tile: 'Method',
    what,
    value,
    because,
    ...(source !== undefined && { source }),
  });
  return [
    method('learning rate', hyper.learningRate, rateReason(candidate), 'arXiv:2405.09673; arXiv:2305.18290'),
    method('scheduler', `${hyper.scheduler}, warm-up ${hyper.warmupRatio}`, scheduleReason(candidate)),
    method('batch', `${hyper.batchSize} x ${hyper.gradientAccumulation}`, batchReason(candidate)),
    ...(lora === undefined
      ? []
      : [
          method('rank', String(lora.r), rankReason(candidate), 'arXiv:2106.09685'),
          method(
            'alpha',
            String(lora.alpha),
            'Twice the rank, so that the scale stays the same when the rank changes.',
          ),
          method('dropout', lora.dropout, dropoutReason(candidate, lora.dropout)),
          method('adapted layers', lora.targets.join(', '), targetReason(lora.targets)),
        ]),
    method('longest row', `${hyper.maxLength} tokens`, lengthReason(candidate)),
    method('precision', hyper.precision, precisionReason(candidate)),
    method('gradient checkpointing', hyper.gradientCheckpointing ? 'on' : 'off', checkpointingReason(candidate)),
    ...leanReasons(candidate, method),
    ...(hyper.emaDecay === undefined
      ? []
      : [
          method(
            'moving average',
            hyper.emaDecay,
            'The goal sets it: the average of the weights is measured and exported.',
          ),
        ]),
    method('seed', String(hyper.seed), 'The same seed and rows give the same split and the same order.'),
    method('checkpoint every', `${hyper.checkpointEverySteps} steps`, checkpointReason(candidate)),
    { tile: 'Data', what: 'passes and steps', value: extentText(candidate), because: extentReason(candidate) },
  ];
}

type Make = (what: string, value: string, because: string, source?: string) => Reason;

function leanReasons({ hyperparameters: hyper, model, estimate }: Candidate, method: Make): readonly Reason[] {
  if (hyper.optimizer === undefined && hyper.weightPrecision === undefined) return [];
  const size = Math.round(model.parameters / 1e9);
  return [
    ...(hyper.optimizer === undefined
      ? []
      : [
          method(
            'optimizer',
            hyper.optimizer,
            `At ${size} B parameters the state of plain AdamW is larger than eight cards; eight bits hold it in a quarter.`,
            'arXiv:2110.02861',
          ),
        ]),
    method('trained weights', hyper.weightPrecision ?? 'mixed', 'A second copy of the weights in fp32 would not fit.'),
    ...(hyper.offloadOptimizer === true
      ? [
          method(
            'optimizer state',
            `in main memory, ${gigabytes(estimate.memory.host)} a machine`,
            'So that fewer cards hold the rest; each step waits for it.',
            'arXiv:2101.06840',
          ),
        ]
      : []),
  ];
}

function checkpointReason({ rules, estimate, hyperparameters }: Candidate): string {
  if (rules.constraints.checkpointEverySteps !== undefined) return 'The goal sets it.';
  const { checkpointSeconds, secondsPerStep } = estimate.time;
  return hyperparameters.checkpointEverySteps * secondsPerStep > 600
    ? `Writing one takes about ${Math.round(checkpointSeconds)} s: more of them would take over 5 % of the time.`
    : 'About ten a run, and between thirty seconds and ten minutes apart: what a lost machine may cost.';
}

function rateReason({ rules, model, method }: Candidate): string {
  if (rules.constraints.learningRate !== undefined) return 'The goal sets it.';
  if (method === 'lora' || method === 'qlora') {
    return model.shape === undefined
      ? 'Usual for adapters of picture, video and sound models.'
      : 'Adapters take about ten times the rate of full training, and less the larger the model.';
  }
  if (method === 'full') {
    return 'All weights move: a higher rate would forget what the base knows; larger models take less.';
  }
  if (method === 'dpo' || method === 'rlhf') {
    return 'Preferences are pushed gently: a higher rate breaks the language before it changes the answers.';
  }
  return 'As the recipes of this method have it.';
}

function scheduleReason({ rules, hyperparameters }: Candidate): string {
  if (hyperparameters.scheduler === 'constant') return 'A new word is learned at one rate; there is nothing to settle.';
  return rules.rows < 1000
    ? 'Falls to zero along a cosine; few steps need a longer rise, so that the first rows do not decide.'
    : 'Rises briefly, then falls to zero along a cosine, so that the last steps settle.';
}

function batchReason({ rules, compute, hyperparameters, model }: Candidate): string {
  const { batchSize, gradientAccumulation } = rules.constraints;
  if (batchSize !== undefined || gradientAccumulation !== undefined) return 'The goal sets it.';
  if (rules.device.kind === 'cpu') return 'A processor gains nothing from larger batches.';
  if (model.shape === undefined) {
    return hyperparameters.gradientAccumulation > 1
      ? 'One at a time fills the card; a large set is learned from smoothly with several to an update.'
      : 'Pictures, clips and sound are large: one at a time.';
  }
  const rows = rules.rows < 500 ? 'few rows need many updates' : 'enough rows for smooth updates';
  const all = hyperparameters.batchSize * hyperparameters.gradientAccumulation * compute.count * compute.nodes;
  return `${all} rows an update: ${rows}; as many at a time as the card holds.`;
}

function rankReason({ rules }: Candidate): string {
  if (rules.quality === 'flagship' || (rules.quality === 'high' && rules.rows >= 1000))
    return 'High quality: room to learn more than a style.';
  return rules.rows >= 10_000
    ? 'Tens of thousands of rows fill more than rank 16.'
    : 'Enough for style and a narrow skill; more would learn the rows by heart.';
}

function dropoutReason({ model }: Candidate, dropout: string): string {
  if (model.shape === undefined) return 'Adapters of picture, video and sound models are usually trained without.';
  return dropout === '0'
    ? 'Enough rows: none is needed.'
    : 'Few rows: dropping some inputs keeps them from being learned by heart.';
}

function targetReason(targets: readonly string[]): string {
  return targets.includes('all-linear')
    ? 'All linear layers learn better than attention alone at the same size.'
    : 'The attention of the backbone is where looks are decided.';
}

function lengthReason({ rules, hyperparameters, model }: Candidate): string {
  if (rules.constraints.maxLength !== undefined) return 'The goal sets it, within the context of the model.';
  if (model.shape === undefined)
    return 'What the model takes in of a caption, a transcript or a sound; the rest is cut.';
  if (rules.longestRow === undefined) return 'Usual for rows of unknown length; longer ones are cut.';
  return rules.longestRow <= hyperparameters.maxLength
    ? `The longest row has ${rules.longestRow} tokens: none is cut, and no memory is kept for nothing.`
    : `The longest row has ${rules.longestRow} tokens; longer than this would cost memory for a few rows.`;
}

function precisionReason({ hyperparameters, rules }: Candidate): string {
  if (hyperparameters.precision === 'fp32') return 'A processor computes fp32 fastest.';
  if (hyperparameters.precision === 'fp16') return 'This card has no bf16.';
  return rules.device.kind === 'gpu' ? 'Range of fp32 at half the memory, and no loss scaling.' : '';
}

function checkpointingReason({ rules, hyperparameters, model }: Candidate): string {
  if (rules.constraints.gradientCheckpointing === hyperparameters.gradientCheckpointing) return 'The goal sets it.';
  if (!hyperparameters.gradientCheckpointing) return 'Memory suffices: nothing is computed twice.';
  return model.parameters > 2e9
    ? 'Activations are computed again going back: a quarter slower, several times less memory.'
    : 'Without it the work would not fit.';
}

function extentText({ hyperparameters: { epochs, maxSteps }, steps }: Candidate): string {
  const passes = epochs === undefined ? '' : `${epochs} ${epochs === 1 ? 'pass' : 'passes'}, `;
  return `${passes}${maxSteps === undefined ? '' : 'at most '}${steps} steps`;
}

/** How far runs on few pictures or clips go. */
function tells({ method, rules }: Candidate): string {
  if (method === 'textual-inversion') return 'A new word is learned in about 3,000 steps';
  return rules.modality === 'video'
    ? 'Few clips are counted in steps: about forty for each'
    : 'Few pictures are counted in steps: about a hundred for each';
}

function extentReason(candidate: Candidate): string {
  const { rules, hyperparameters, method } = candidate;
  const { epochs, maxSteps } = rules.constraints;
  if (maxSteps !== undefined) return 'The goal, a selection or the limit sets the steps.';
  if (epochs !== undefined) return 'The goal or a selection sets the passes.';
  if (rules.device.kind === 'cpu') return 'As many steps as a person waits for on a processor.';
  if (hyperparameters.maxSteps !== undefined) return `${tells(candidate)}, within bounds.`;
  if (method === 'dpo' || method === 'rlhf') return 'One pass: preferences overfit quickly.';
  if (tasksOf(rules.model).includes('music'))
    return 'Music is learned by many passes: published runs make 4 to hundreds.';
  return rules.rows < 1000
    ? 'Few rows are gone through more often before answers change.'
    : 'The more rows, the fewer passes: repeating teaches less than new rows do.';
}
