import { lexiconFile } from './lexicon.ts';

const NOT_MODELS = new Set(
  Object.values(lexiconFile<Readonly<Record<string, string>>>('not-models.yaml')).flatMap((list) => list.split(' ')),
);

/** A name on the Hub: owner/name, with a digit, a hyphen or a capital in the name. */
const HUB_NAME =
  /(?<![\w/:.-])([A-Za-z0-9][\w-]{1,40}\/(?=[\w.-]*[\dA-Z-])[A-Za-z0-9][\w.-]{2,80}[A-Za-z0-9])(?![\w/])/g;
/** A word with the shape of a product name: inner capitals, letters with digits, parts joined by _ or -. */
const SHAPED = /(?<![\w/.-])(?=[\w.-]*[A-Za-z])[A-Za-z0-9][\w.-]*[A-Za-z0-9](?![\w/])/g;
const MODEL_BEFORE =
  /(?:fine-?\s?-?tun\w*|finetun\w*|train|training|retrain\w*|adapt(?:ing)?|base model(?: is|:)?|checkpoint of|starting from|start from|based on|model called|模型|微调|训练|finetunen|trainieren|affiner|entraîner|afinar|ajustar|entrenar)\s*(?:the |a |an |my |our |on |with |von |de |el |la |le )?$/i;
const MODEL_AFTER =
  /^\s*(?:\d+(?:\.\d+)?\s?[bB]\b|(?:base )?(?:model|checkpoint|lora|fine-?tun\w*|weights|モデル|模型)\b|を.{0,12}(?:調整|学習|チューニング|微調整)|を(?:LoRA|QLoRA))/i;
const DATA_AFTER = /^\s*(?:data ?set|data|corpus|format|benchmark|dataset)/i;
const DATA_BEFORE = /(?:data ?set|datasets|corpus|hf:\/\/|datasets\/|on the data of)\s*["'`]?$/i;

/**
 * The name of a base model that no list holds: a Hub name, or a word shaped
 * like a product that stands where a model stands ("fine-tune X", "X LoRA",
 * "X 7B"). Tools, hardware, data sets and formats are none. As a lower-case
 * slug; null when nothing is named.
 */
export function readUnknownModel(plain: string): string | null {
  for (const match of plain.matchAll(HUB_NAME)) {
    const [name] = match;
    if (around(DATA_BEFORE, DATA_AFTER, plain, match.index, name.length) || !isName(name.split('/')[1] ?? '')) continue;
    if (NOT_MODELS.has(name.split('/')[0]?.toLowerCase() ?? '')) continue;
    return name;
  }
  for (const match of [...plain.matchAll(SHAPED)].slice(0, 400)) {
    const [name] = match;
    if (!isName(name)) continue;
    const before = plain.slice(Math.max(0, match.index - 32), match.index);
    const after = plain.slice(match.index + name.length, match.index + name.length + 24);
    if (DATA_AFTER.test(after)) continue;
    if (MODEL_BEFORE.test(before) || MODEL_AFTER.test(after)) return slug(name);
  }
  return null;
}

function around(before: RegExp, after: RegExp, text: string, index: number, length: number): boolean {
  return (
    before.test(text.slice(Math.max(0, index - 24), index)) ||
    after.test(text.slice(index + length, index + length + 16))
  );
}

/** Shaped like a product: an inner capital, a digit beside letters, or an underscore; and known as nothing else. */
function isName(word: string): boolean {
  const lower = word.toLowerCase();
  if (word.length < 3 || NOT_MODELS.has(lower) || NOT_MODELS.has(lower.split(/[-_]/)[0] ?? '')) return false;
  if (/^\d+(?:\.\d+)?[a-z]{0,3}$/i.test(word) || /^\d+[-x]\w+$/i.test(word) || /^[A-Z]{2,}s?$/.test(word)) return false;
  return (
    /[a-z][A-Z]/.test(word) ||
    /[A-Z]{2,}[a-z]+[A-Z\d]/.test(word) ||
    /[A-Za-z]-?\d|\d[A-Za-z]{2}/.test(word) ||
    /_/.test(word) ||
    /^[A-Z]{2,}-[A-Z]/.test(word)
  );
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
