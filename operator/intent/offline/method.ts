import type { MethodName, Modality } from '@kriptik/crds';
import type { Mention } from '../../catalog/mention.ts';
import { compileWords, lexiconFile } from './lexicon.ts';

interface MethodFile {
  readonly methods: Readonly<Record<MethodName, string>>;
  readonly negation: string;
  /** Ids of families, parted by spaces. */
  readonly small: string;
}

const file = lexiconFile<MethodFile>('methods.yaml');
const NAMES = (Object.keys(file.methods) as MethodName[]).map((method) => ({
  method,
  pattern: compileWords(file.methods[method], 'g'),
}));
const NEGATION = new RegExp(`(?:${compileWords(file.negation).source}|n't)\\s?(?:\\S+\\s){0,2}$`);
/** "Detect cloned voices" asks for no cloning. */
const DETECTS = /(?:detect|spot|recogni|identif|flag|catch|erkenn|entlarv|reconn)\S*\s(?:\S+\s){0,3}$/;
const OPEN_ANSWER = /(?:でなく|ではなく|じゃなく|なし|nahi|नहीं|以外)/;

/** "Fine-tune Llama 3 70B fully on 40k rows": the adverb ends its clause; "train it fully offline" says something else. */
const FULLY =
  /(?:fine-?\s?tun\w*|(?:re)?train\w*|adapt\w*|trainier\w*|entrain\w*|affin\w*|entren\w*|ajust\w*|afin\w*)\s(?:[^\s,;!?]+\s){0,6}(?:fully|completely|entirely|in full|komplett|vollstandig|entierement|integralement|completement|por completo|completamente|enteramente|integramente)(?=\s(?:on|with|using|auf|mit|sur|avec|con|sobre|for|fur|pour|para|and|und|et|y|trainier\w*|finetun\w*|fine-tun\w*)\s(?!(?:prem|our own|my own|this|my (?:pc|laptop|machine)))|\s?(?:[.,;:!?]|$))/;
const SMALL_FAMILIES = new Set(file.small.split(' '));
const SMALL_B = 1;
const LARGE_VARIANT = /^(?:xl|xxl)$/;

/** Encoders and small translators are cheap to train whole, and gain by it: full training first, then adapters. */
export function trainsWhole(model: Mention | undefined, sizeB: number | undefined): boolean {
  if (model === undefined || !SMALL_FAMILIES.has(model.family.id)) return false;
  return (sizeB ?? 0) < SMALL_B && !LARGE_VARIANT.test(model.variant ?? '');
}

/** The methods that a folded text names and does not rule out, in order of precedence. */
export function readMethods(text: string): readonly MethodName[] {
  const named = NAMES.filter(({ method, pattern }) =>
    [...text.matchAll(pattern).take(50)].some(
      ({ index, 0: name }) =>
        !(method === 'voice-clone' && DETECTS.test(text.slice(Math.max(0, index - 40), index))) &&
        !NEGATION.test(
          text
            .slice(Math.max(0, index - 24), index)
            .split(/[.;,:。，]/)
            .at(-1) ?? '',
        ) &&
        !OPEN_ANSWER.test(text.slice(index + name.length, index + name.length + 5)),
    ),
  ).map(({ method }) => method);
  return named.includes('full') || !FULLY.test(text) ? named : [...named.filter(isPrior), 'full'];
}

/** Methods that name more than which weights are trained. */
function isPrior(method: MethodName): boolean {
  return method !== 'lora' && method !== 'qlora';
}

/** A named method with the close equivalents that may stand in for it, best first. */
export function equivalents(named: readonly MethodName[]): readonly MethodName[] {
  const [first] = named;
  if (first === undefined) return [];
  // "DreamBooth LoRA" and "LoRA with 4 bits" name one method between them.
  if (first === 'dreambooth' && named.includes('lora')) return ['dreambooth', 'lora'];
  return named.filter((method) => method === first || named.length > 1).slice(0, 3);
}

/** QLoRA, DPO and RLHF are made for language; DreamBooth and textual inversion for pictures. */
export function isPossible(method: MethodName, modality: Modality | null): boolean {
  const language = modality === 'llm' || modality === 'code' || modality === 'multimodal' || modality === null;
  switch (method) {
    case 'qlora':
    case 'rlhf':
      return language;
    case 'dpo':
      return language || modality === 'image';
    case 'dreambooth':
    case 'textual-inversion':
      return modality === 'image' || modality === null;
    case 'voice-clone':
      return modality === 'audio' || modality === null;
    case 'lora':
    case 'full':
      return true;
  }
}
