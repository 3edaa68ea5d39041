import type { MethodName, Modality } from '@kriptik/crds';
import type { Mention } from '../../catalog/mention.ts';
import { conceptTests, lexiconFile, type Words } from './lexicon.ts';

/** What a goal is about. */
export interface Task {
  readonly modality: Modality | null;
  readonly capability: string | null;
  /** True when something says what is wanted, not only what the data are. */
  readonly specific: boolean;
  /** Summed weight of what spoke for the modality. */
  readonly confidence: number;
  /** Methods that suit the capability, best first. */
  readonly methods: readonly MethodName[];
  /** Weight of the rules alone, per modality, without the model's and the method's. */
  readonly evidence: ReadonlyMap<Modality, number>;
}

interface TaskRule {
  readonly capability: string;
  readonly modality: Modality;
  readonly weight: number;
  readonly all: readonly string[];
  readonly any?: readonly string[];
  readonly unless?: readonly string[];
  readonly methods?: readonly MethodName[];
  readonly generic?: boolean;
}

interface TaskFile {
  readonly concepts: Readonly<Record<string, Words>>;
  readonly rules: readonly TaskRule[];
}

const USUAL_METHODS: Readonly<Record<Modality, readonly MethodName[]>> = {
  llm: ['qlora', 'lora'],
  code: ['lora', 'qlora'],
  multimodal: ['lora', 'qlora'],
  image: ['lora', 'dreambooth'],
  video: ['lora'],
  audio: ['lora', 'full'],
};
const METHOD_MODALITY: Readonly<Partial<Record<MethodName, Modality>>> = {
  dreambooth: 'image',
  'textual-inversion': 'image',
  'voice-clone': 'audio',
  dpo: 'llm',
  rlhf: 'llm',
};
/** A model that makes pictures, film or sound does nothing else; a language model is put to many things. */
const MODEL_WEIGHT: Readonly<Record<Modality, number>> = {
  llm: 12,
  code: 12,
  multimodal: 16,
  image: 20,
  video: 20,
  audio: 20,
};
const METHOD_WEIGHT = 4;
/** From this weight on, rules for code outweigh that the model is a general one. */
const CODE_TASK = 5;

const file = lexiconFile<TaskFile>('tasks.yaml');
const test = conceptTests('tasks.yaml', file.concepts);

/** The modality with the most weight behind it, and its best capability. `text` is folded. */
export function readTask(text: string, model: Mention | undefined, named: readonly MethodName[]): Task {
  const found = new Map<string, boolean>();
  const has = (concept: string): boolean => {
    const known = found.get(concept);
    if (known !== undefined) return known;
    const value = test(concept, text);
    found.set(concept, value);
    return value;
  };
  const hits = file.rules.filter(
    ({ all, any = [], unless = [] }) => all.every(has) && (any.length === 0 || any.some(has)) && !unless.some(has),
  );
  const evidence = new Map<Modality, number>();
  for (const { modality, weight } of hits) evidence.set(modality, (evidence.get(modality) ?? 0) + weight);
  const scores = new Map(evidence);
  const raise = (modality: Modality, weight: number): void => {
    scores.set(modality, (scores.get(modality) ?? 0) + weight);
  };
  if (model !== undefined) raise(model.family.modality, MODEL_WEIGHT[model.family.modality]);
  for (const method of named) {
    const modality = METHOD_MODALITY[method];
    if (modality !== undefined) raise(modality, METHOD_WEIGHT);
  }
  // A language model put to code is a code goal; one named for anything else stays what it is.
  if (
    model?.family.modality === 'llm' &&
    hits.some(({ modality, weight }) => modality === 'code' && weight >= CODE_TASK)
  )
    raise('code', MODEL_WEIGHT.code);
  const [best] = [...scores].toSorted(([, a], [, b]) => b - a);
  if (best === undefined) {
    return { modality: null, capability: null, specific: false, confidence: 0, methods: [], evidence };
  }
  const [modality, confidence] = best;
  const own = hits.filter((hit) => hit.modality === modality).toSorted((a, b) => b.weight - a.weight);
  return {
    modality,
    confidence,
    capability: own[0]?.capability ?? null,
    specific: hits.some(({ generic, weight }) => generic !== true && weight >= 3),
    methods: own[0]?.methods ?? USUAL_METHODS[modality],
    evidence,
  };
}
