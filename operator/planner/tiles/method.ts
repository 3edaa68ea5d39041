import type { Tile } from '@kriptik/crds';
import { formatUsd } from '../../money.ts';
import type { Candidate } from '../candidate.ts';
import { computeTitle } from '../compute.ts';
import { methodFacts } from '../methods.ts';
import { gigabytes } from '../problems.ts';
import type { PlanDraft } from './priced.ts';
import { alternative, cut, warningsOf } from './priced.ts';

/** How it is trained, why so and not otherwise, and in which stages. */
export function methodTile(draft: PlanDraft): Tile {
  const { context, choices, decision } = draft;
  const { chosen, staged, unstaged } = decision;
  const facts = methodFacts(context.catalog, chosen.method);
  const advice = choices.methods.find(({ name }) => name === chosen.method);
  const others = choices.methods.filter(({ name }) => name !== chosen.method);
  return {
    name: 'Method',
    choice: chosen.method,
    title: staged === undefined ? facts.title : `${staged.stages.length} stages, the main one with ${facts.title}`,
    summary: facts.summary,
    reasons: [
      ...(advice === undefined ? [] : [advice.because]),
      `${facts.title}: ${facts.strength}.`,
      `Needs about ${gigabytes(chosen.estimate.memory.total)} of memory${chosen.compute.count > 1 ? ' on each GPU' : ''}.`,
      ...others.map(
        ({ name, against, unwise }) => `Not ${methodFacts(context.catalog, name).title}: ${unwise ?? against}`,
      ),
    ]
      .slice(0, 16)
      .map((text) => cut(text)),
    facts: [...stageFacts(draft), ...settingFacts(chosen), ...lookFacts(draft)].slice(0, 24),
    alternatives: others.map(({ name, against, unwise }) => {
      const other = methodFacts(context.catalog, name);
      return alternative(draft, { method: name }, other.title, () => `${other.summary} ${unwise ?? against}`);
    }),
    ...warningsOf([
      ...(advice?.unwise === undefined ? [] : [advice.unwise]),
      ...(unstaged === undefined ? [] : [unstaged]),
      ...(staged?.dropped ?? []).map((text) => `A stage is left out. ${text}.`),
    ]),
  };
}

function stageFacts({ decision, context }: PlanDraft): Tile['facts'] {
  return (decision.staged?.stages ?? []).map(({ recipe, candidate, run }, index) => {
    const how = recipe.methods.length === 0 ? 'no training' : methodFacts(context.catalog, candidate.method).title;
    const steps = run.steps > 0 ? `, ${run.steps} steps` : '';
    return {
      label: `Stage ${index + 1}: ${recipe.title}`,
      value: cut(
        `${how}${steps} on ${computeTitle(candidate.compute)}, ${formatUsd(run.estimate.cost.total.expected)}`,
        512,
      ),
    };
  });
}

function settingFacts({ hyperparameters: hyper, lora, options = {} }: Candidate): Tile['facts'] {
  return [
    { label: 'Learning rate', value: hyper.learningRate },
    { label: 'Batch', value: `${hyper.batchSize} rows x ${hyper.gradientAccumulation}` },
    ...(lora === undefined ? [] : [{ label: 'Rank', value: `${lora.r}, alpha ${lora.alpha}` }]),
    { label: 'Longest row', value: `${hyper.maxLength} tokens` },
    { label: 'Precision', value: hyper.precision },
    ...(hyper.emaDecay === undefined ? [] : [{ label: 'Moving average', value: hyper.emaDecay }]),
    ...Object.entries(options).map(([name, value]) => ({
      label: OPTION[name] ?? name,
      value: cut(String(value), 512),
    })),
  ];
}

/** How samples are looked at, where the goal says so. */
function lookFacts({ context }: PlanDraft): Tile['facts'] {
  const { samples, scoreModel } = context.contract.constraints.evaluation ?? {};
  return [
    ...(samples === undefined ? [] : [{ label: 'Samples a look', value: String(samples) }]),
    ...(scoreModel === undefined ? [] : [{ label: 'Scored by', value: cut(scoreModel, 512) }]),
  ];
}

/** Options as people call them. */
const OPTION: Readonly<Record<string, string>> = {
  packing: 'Packed rows',
  fillInMiddle: 'Asked for the middle',
  beta: 'Pull to the base',
  preference: 'Learns preferences by',
  loss: 'Loss',
  reward: 'Reward',
  algorithm: 'Learns by',
  completions: 'Answers a prompt',
  maxCompletion: 'Longest answer, tokens',
  rewardSteps: 'Steps of the reward model',
  resolution: 'Pixels of a side',
  frames: 'Frames of a clip',
  seconds: 'Seconds of a sound',
  token: 'New word',
  initializer: 'Begins from',
  subjectPrompt: 'Caption of the subject',
  classPrompt: 'Caption of the class',
  classImages: 'Pictures of the class',
  priorWeight: 'Weight of the class',
  samplePrompt: 'Caption of samples',
  sampleSteps: 'Steps of a sample',
  language: 'Language',
  vocoder: 'Vocoder',
};
