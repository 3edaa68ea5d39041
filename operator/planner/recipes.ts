import type { Contract, MethodName, Stage } from '@kriptik/crds';
import { wantedTask } from './tasks.ts';

/** One stage as a kind of goal asks for it, before it is sized. */
export interface StageRecipe {
  readonly name: string;
  readonly title: string;
  readonly purpose: Stage['purpose'];
  /** What happens and why. */
  readonly summary: string;
  /** Best first; empty where nothing is trained. */
  readonly methods: readonly MethodName[];
  /** Rows it learns from. */
  readonly data: 'rows' | 'pairs' | 'held-out';
  /** Most steps as a share of the deciding stage's; absent = as its own rows ask. */
  readonly shareOfMain?: number;
  /** Its result is what the plan is for: the plan's own fields tell this stage. */
  readonly decides?: true;
  /** Left out first where the limit is short; lower goes first. */
  readonly optional?: number;
}

const PHASES = {
  pretraining: /(?:continued?|continual|further) ?pre-?train|pre-?train\w*|domain[- ]adapt|继续预训练/i,
  supervised: /\bsft\b|supervised|instruction[- ]?tun|fine-?tun|feinabstimm|微调/i,
  preference: /\bdpo\b|\bkto\b|\borpo\b|preference|präferenz|préférence|preferenci|偏好/i,
  reinforcement: /\brlhf\b|\bppo\b|\bgrpo\b|reward model|reinforcement|human feedback|强化学习/i,
  order:
    /\bthen\b|\bafter(?:wards)?\b|followed by|\bfirst\b|\bfinally\b|\bstages?\b|\bphases?\b|\bdann\b|danach|anschließend|\bpuis\b|ensuite|luego|después|然后|接着/i,
  several: /multi[- ]?stage|(?:two|three|four|several|2|3|4)[- ](?:stages?|phases?|steps?)|mehrstufig|多阶段/i,
};

/** Whether a goal is one for several stages: flagship quality, or a text that asks for more than one phase. */
export function wantsStages({ quality, goalText, constraints }: Contract): boolean {
  if (constraints.method !== undefined) return false;
  if (quality === 'flagship' || PHASES.several.test(goalText)) return true;
  const named = [PHASES.pretraining, PHASES.supervised, PHASES.preference, PHASES.reinforcement].filter((phase) =>
    phase.test(goalText),
  );
  return named.length >= 2 && PHASES.order.test(goalText);
}

/** The stages of a goal in order, the last one judging the result; `method` is that of the stage that decides. */
export function recipeFor(contract: Contract, method: MethodName): readonly StageRecipe[] {
  switch (contract.modality) {
    case 'llm':
    case 'code':
    case 'multimodal':
      return textStages(contract, method);
    case 'audio':
      return [...(wantedTask(contract) === 'music' ? musicStages : speechStages), evaluation];
    case 'image':
    case 'video':
      return [...pictureStages, evaluation];
  }
}

const evaluation: StageRecipe = {
  name: 'evaluation',
  title: 'Evaluation',
  purpose: 'evaluation',
  summary: 'Judges the result against its base on rows that no stage has seen.',
  methods: [],
  data: 'held-out',
  optional: 3,
};

/** The stage whose method the plan names decides: preferences where it names those, else the supervised one. */
function textStages({ goalText }: Contract, method: MethodName): readonly StageRecipe[] {
  const reinforced = method === 'rlhf' || (method !== 'dpo' && PHASES.reinforcement.test(goalText));
  const last: readonly StageRecipe[] = [reinforced ? reinforcement : preference];
  const decides = method === 'dpo' || method === 'rlhf' ? method : undefined;
  return [
    ...(PHASES.pretraining.test(goalText) ? [pretraining] : []),
    decides === undefined ? { ...supervised, decides: true } : supervised,
    ...last.map((stage) => (decides !== undefined && stage.methods.includes(decides) ? deciding(stage) : stage)),
    evaluation,
  ];
}

function deciding({ shareOfMain: _share, optional: _optional, ...stage }: StageRecipe): StageRecipe {
  return { ...stage, data: 'rows', decides: true };
}

const supervised: StageRecipe = {
  name: 'supervised',
  title: 'Supervised tuning',
  purpose: 'supervised',
  summary: 'Learns from the examples what a good answer is.',
  methods: ['lora', 'qlora'],
  data: 'rows',
};

const pretraining: StageRecipe = {
  name: 'continued-pretraining',
  title: 'Continued pretraining',
  purpose: 'continued-pretraining',
  summary: 'Reads the material once as plain text, so that its words and facts are familiar before answers are taught.',
  methods: ['full', 'lora', 'qlora'],
  data: 'rows',
  optional: 1,
};

const preference: StageRecipe = {
  name: 'preference',
  title: 'Preference tuning',
  purpose: 'preference',
  summary: 'Moves answers towards the better of two, after the model has learned to answer at all.',
  methods: ['dpo'],
  data: 'pairs',
  shareOfMain: 0.5,
  optional: 2,
};

const reinforcement: StageRecipe = {
  name: 'reinforcement',
  title: 'Reinforcement learning',
  purpose: 'reinforcement',
  summary:
    'A reward model learns from pairs which answer people prefer, then judges the answers that are learned from.',
  methods: ['rlhf'],
  data: 'pairs',
  shareOfMain: 0.2,
  optional: 2,
};

const musicStages: readonly StageRecipe[] = [
  {
    name: 'adaptation',
    title: 'Sound of the base',
    purpose: 'adaptation',
    summary: 'Fits base and codec to the recordings: instruments, room and loudness, on short clips.',
    methods: ['lora'],
    data: 'rows',
    shareOfMain: 0.2,
    optional: 1,
  },
  {
    name: 'main-training',
    title: 'Music',
    purpose: 'main-training',
    summary: 'Learns composition and style over whole passages.',
    methods: ['full', 'lora'],
    data: 'rows',
    decides: true,
  },
  {
    name: 'vocals',
    title: 'Vocals',
    purpose: 'vocals',
    summary: 'Learns singing and its words on the recordings with vocals, without moving the music.',
    methods: ['lora'],
    data: 'rows',
    shareOfMain: 0.4,
    optional: 2,
  },
];

const speechStages: readonly StageRecipe[] = [
  {
    name: 'adaptation',
    title: 'Language and domain',
    purpose: 'adaptation',
    summary: 'Fits the base to language, accent and recording before the voice or the vocabulary is learned.',
    methods: ['full', 'lora'],
    data: 'rows',
    shareOfMain: 0.3,
    optional: 1,
  },
  {
    name: 'main-training',
    title: 'Main training',
    purpose: 'main-training',
    summary: 'Learns the voice or the vocabulary itself.',
    methods: ['voice-clone', 'full', 'lora'],
    data: 'rows',
    decides: true,
  },
];

const pictureStages: readonly StageRecipe[] = [
  {
    name: 'adaptation',
    title: 'Adaptation of the base',
    purpose: 'adaptation',
    summary: 'Fits the base to the subject matter of all the material, at a low rate.',
    methods: ['lora'],
    data: 'rows',
    shareOfMain: 0.5,
    optional: 1,
  },
  {
    name: 'main-training',
    title: 'Style',
    purpose: 'main-training',
    summary: 'Learns the look that the goal asks for, on the best of the material.',
    methods: ['dreambooth', 'lora'],
    data: 'rows',
    decides: true,
  },
];
