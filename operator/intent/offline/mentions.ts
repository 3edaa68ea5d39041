import type { Family } from '../../catalog/catalog.ts';
import type { Mention } from '../../catalog/mention.ts';

const TRAINS =
  /(?:fine-?\s?tun\w*|train\w*|tune|tuning|adapt\w*|teach\w*|use|using|on|with|for|微调|训练|用|trainier\w*|entrenar|entrainer|affiner|afinar|ajustar|anpassen)\s?(?:\S+\s){0,2}$/;

/** Networks beside a base model: where one is named with them, it is the model ("ControlNet for SDXL"). */
const ADD_ONS: ReadonlySet<string> = new Set(['controlnet', 'ip-adapter', 't2i-adapter', 'animatediff']);

/** Of several models the one that is to be trained: the one next to a training verb, else the first. `text` is folded. */
export function chosenMention(text: string, mentions: readonly Mention[]): Mention | undefined {
  const bases = mentions.filter(({ family }) => !ADD_ONS.has(family.id));
  if (bases.length > 0 && bases.length < mentions.length) return chosenMention(text, bases);
  const [first] = mentions;
  if (first === undefined) return undefined;
  const trained = mentions.find(({ index }) => TRAINS.test(text.slice(Math.max(0, index - 30), index)));
  const chosen = mentions.find(({ sizeB }) => sizeB !== undefined && trained === undefined) ?? trained ?? first;
  // "LLaVA 13B falls short, so we plan to tune the 7B model": the size near the verb is the one meant.
  const later = /(?:fine-?\s?tun\w*|train\w*)\s(?:\w+\s){0,3}(\d+(?:\.\d+)?)\s?b\b/.exec(text.slice(chosen.index));
  const size = later?.[1];
  if (size === undefined || chosen.sizeB === undefined || Number(size) === chosen.sizeB) return chosen;
  const suffix = chosen.instruct ? '-instruct' : '';
  return { ...chosen, sizeB: Number(size), slug: `${chosen.family.id}-${size}b${suffix}` };
}

/** A version right behind a name that has none of its own: "LLaVA 1.5", "ChatGLM3", "XTTS v2"; not a size. */
const VERSION = /^[\s._-]?(v?\d{1,2}(?:\.\d{1,2})?)(?![\d.]*\s?[bm](?![a-z])|[a-z\d]|[.,]\d)/;

/**
 * The name of a base model as a slug that keeps what the text says of version
 * and variant: "llava-1.5-7b", "whisper-large-v3", "llama-3-8b-instruct".
 */
export function slugOf({ family, slug, variant, index }: Mention, text: string): string {
  const rest = slug.slice(family.id.length);
  if (variant !== undefined) return `${family.id}-${variant}${rest}`;
  if (/\d$/.test(family.id)) return slug;
  const name = nameAt(text, index, family);
  // "Yi-34B": the size is a part of the name.
  if (rest !== '' && slugged(name) === `${family.id}${rest}`) return slugged(name);
  const grade = GRADE.exec(text.slice(index + name.length))?.[1];
  if (grade !== undefined) return `${slugged(name)}-${grade}${rest}`;
  const compact = (one: string): string => one.replace(/[^a-z\d]/g, '');
  // "ChatGLM3" is a name of the family chatglm, and says more than it.
  if (compact(name).startsWith(compact(family.id)) && /\d/.test(compact(name).slice(compact(family.id).length)))
    return `${slugged(name)}${rest}`;
  const version = VERSION.exec(text.slice(index + name.length))?.[1];
  return version === undefined ? slug : `${family.id}-${version}${rest}`;
}

/** The grade of a model that comes in several, right behind its name: "PEGASUS-large". */
const GRADE = /^-(tiny|mini|small|base|medium|large|xl|xxl)(?![a-z\d-])/;

function slugged(name: string): string {
  return name.trim().replace(/[\s_]+/g, '-');
}

/** The longest name of the family that stands at `index`, as written. */
function nameAt(text: string, index: number, { names }: Family): string {
  const written = names.flatMap((name) => {
    const parts = name.toLowerCase().match(/[a-z+]+|\d+|[^a-z\d\s._+-]+/g) ?? [];
    const body = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[\\s._-]*v?');
    const match = new RegExp(`^${body}(?![a-z\\d])`).exec(text.slice(index, index + 60));
    return match === null ? [] : [match[0]];
  });
  return written.toSorted((a, b) => b.length - a.length)[0] ?? '';
}

/** Programs that carry a model's name and are none. */
const PROGRAMS =
  /llama[-_ .]?(?:factory|index|cpp|hub)|alpaca[-_ ](?:format|style|json)|mistral[-_ ](?:api|finetune|ai)\b/g;

/**
 * The folded text with names spelt out that are common words but for their
 * capitals: "CLIP", "BART", "OPT". The rest keeps its place and length as far
 * as the first such name.
 */
export function withShouted(plain: string, folded: string, families: readonly Family[]): string {
  const models = folded.replace(PROGRAMS, (name) => ' '.repeat(name.length));
  if (plain === plain.toUpperCase()) return models;
  const shouted = new Set(
    [...plain.matchAll(/(?<![\p{L}\d-])[A-Z]{3,6}(?![\p{L}-])|(?<=[\p{L}\d,.(] )[A-Z][a-z]{4,8}(?![\p{L}-])/gu)].map(
      ([word]) => word.toLowerCase(),
    ),
  );
  return families
    .filter(({ id, names }) => shouted.has(id) && !names.includes(id))
    .reduce(
      (text, { id, names }) => text.replace(new RegExp(`(?<![a-z\\d])${id}(?![a-z\\d])`), names[0] ?? id),
      models,
    );
}
