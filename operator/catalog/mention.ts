import type { Family } from './catalog.ts';

/** A base model as a text names it. */
export interface Mention {
  readonly family: Family;
  /** Stated size in billions of parameters. */
  readonly sizeB?: number;
  readonly instruct: boolean;
  /** "llama-3-8b-instruct". */
  readonly slug: string;
  /** Where the name starts in the text. */
  readonly index: number;
}

const SIZE = String.raw`(\d+(?:\.\d+)?)\s?([bm])(?![a-z0-9])`;

/** The model a text names first and most precisely; undefined when it names none. */
export function mentionOf(text: string, families: readonly Family[]): Mention | undefined {
  return mentionsOf(text, families)[0];
}

/**
 * The models that a text names, in order. A name counts whatever its case and
 * punctuation ("Llama3", "llama 3", "LLaMA-3"); where names overlap the longest
 * wins, so that "llama 3.2 vision" is not read as "llama".
 */
export function mentionsOf(text: string, families: readonly Family[]): readonly Mention[] {
  const lower = text.toLowerCase();
  const hits = families
    .flatMap((family) => family.names.map((name) => ({ family, pattern: patternOf(name) })))
    .flatMap(({ family, pattern }) =>
      [...lower.matchAll(pattern)].map((match) => ({ family, index: match.index, end: match.index + match[0].length })),
    )
    .toSorted((a, b) => b.end - b.index - (a.end - a.index) || a.index - b.index);
  const kept: typeof hits = [];
  for (const hit of hits) {
    if (kept.every((other) => hit.end <= other.index || hit.index >= other.end)) kept.push(hit);
  }
  return kept.toSorted((a, b) => a.index - b.index).map((hit) => describe(lower, hit));
}

function describe(text: string, { family, index, end }: { family: Family; index: number; end: number }): Mention {
  const after = text.slice(end, end + 40);
  const before = text.slice(Math.max(0, index - 24), index);
  const name = text.slice(index, end);
  const size =
    new RegExp(`^[\\s._()-]*(?:[a-z]*[\\s._-]?(?:instruct|chat|it|base|v\\d(?:\\.\\d)?)?[\\s._()-]*)?${SIZE}`).exec(
      after,
    ) ??
    new RegExp(`(?<![\\d.])${SIZE}`).exec(name) ??
    new RegExp(`(?<![\\d.])${SIZE}[\\s-]*(?:param\\w*\\s|model\\s|version\\s|of\\s|的)*$`).exec(before);
  const instruct = /^[\s._-]*(?:v?\d+(?:\.\d+)?[bm]?[\s._-]*)*(?:instruct|chat|it)(?![a-z])/.test(after);
  const sizeB = size === null ? undefined : toBillions(size);
  const label = size === null ? '' : `-${size[1]}${size[2]}`;
  return {
    family,
    instruct,
    index,
    slug: `${family.id}${label}${instruct ? '-instruct' : ''}`,
    ...(sizeB !== undefined && { sizeB }),
  };
}

function toBillions([, value = '0', unit]: RegExpExecArray): number {
  return unit === 'm' ? Number(value) / 1000 : Number(value);
}

const patterns = new Map<string, RegExp>();

/** "llama 3.1" as a pattern: parts may touch or be split by space, dot, hyphen or underscore. */
function patternOf(name: string): RegExp {
  const known = patterns.get(name);
  if (known !== undefined) return known;
  const parts = name
    .toLowerCase()
    .match(/[a-z+]+|\d+|[^a-z\d\s._+-]+/g)
    ?.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const body = (parts ?? [name]).join('[\\s._-]*');
  const latin = /[a-z\d]$/.test(name.toLowerCase());
  const pattern = new RegExp(`(?<![a-z\\d])${body}${latin ? '(?![a-z]|\\d|\\.\\d)' : ''}`, 'g');
  patterns.set(name, pattern);
  return pattern;
}
