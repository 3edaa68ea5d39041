import type { MethodName } from '@kriptik/crds';

interface MethodWords {
  readonly method: MethodName;
  readonly pattern: RegExp;
}

/** In the order of precedence: the more particular name first. */
const WORDS: readonly MethodWords[] = [
  {
    method: 'textual-inversion',
    pattern:
      /textual[\s-]*inver\w+|text(?:ual)?[\s-]+invers\w+|\bembedd?ing\b(?= (?:for|of) (?:my|our|the|a) )|文本反转/,
  },
  { method: 'dreambooth', pattern: /dream[\s-]?booth/ },
  {
    method: 'rlhf',
    pattern:
      /\brlhf\b|\brlaif\b|\bppo\b|\bgrpo\b|\brloo\b|reward (?:model|function|signal)|reinforcement|human feedback|强化学习|verstärkungslernen|aprendizaje por refuerzo/,
  },
  {
    method: 'dpo',
    pattern:
      /\bdpo\b|\bkto\b|\borpo\b|\bipo\b|preference (?:optimi[sz]ation|pairs?|data\w*|tuning)|chosen (?:and|\/|vs\.?|&) ?rejected|preferred (?:and|\/|vs\.?|over) |thumbs[- ]?up|偏好|präferenz\w*|preferencias|préférences?/,
  },
  { method: 'qlora', pattern: /\bq-?lora\b|4[- ]?bit|\bnf4\b|量化|quanti[sz]ed? (?:training|fine|lora)|bitsandbytes/ },
  { method: 'lora', pattern: /(?<!q-?)\bloras?\b|(?<!q)lora(?=[^a-z]|$)|low[- ]rank|\badapters?\b|\bpeft\b|\bdora\b/ },
  {
    method: 'full',
    pattern:
      /full[- ]?(?:parameter|param|weight|model)?[- ]?(?:fine[- ]?tun\w*|ft\b|training|sft)|all (?:the |of the |its )?(?:weights|parameters|layers)|every (?:weight|parameter)|entire model|whole model|全参|全量|vollständig\w* (?:fein|train|nach)|alle gewichte|todos los (?:pesos|parámetros)|tous les (?:poids|paramètres)|from scratch|continued? pre-?train\w*/,
  },
  {
    method: 'voice-clone',
    pattern:
      /voice[\s-]?clon\w*|clon\w+ (?:\w+ ){0,5}voice|stimme\w* klonen|stimmklon\w*|clonar (?:\w+ ){0,3}voz|cloner (?:\w+ ){0,3}voix|克隆.{0,6}(?:声音|语音|音色)|声音克隆/,
  },
];

const NEGATION =
  /(?:\bno|\bnot|n't|without|instead of|rather than|avoid\w*|except|kein\w*|nicht|ohne|sin|pas de|sans|不要|不用|而不是)\s(?:\w+\s){0,2}$/;

/** The methods that the text names and does not rule out, in order of precedence. */
export function readMethods(text: string): readonly MethodName[] {
  return WORDS.filter(({ pattern }) => {
    const all = [...text.matchAll(new RegExp(pattern, 'g'))];
    return all.some(({ index }) => !NEGATION.test(text.slice(Math.max(0, index - 24), index)));
  }).map(({ method }) => method);
}

/** A named method with the close equivalents that may stand in for it, best first. */
export function equivalents(named: readonly MethodName[]): readonly MethodName[] {
  const [first] = named;
  if (first === undefined) return [];
  // "DreamBooth LoRA" and "LoRA with 4 bits" name one method between them.
  if (first === 'dreambooth' && named.includes('lora')) return ['dreambooth', 'lora'];
  return named.filter((method) => method === first || named.length > 1).slice(0, 3);
}
