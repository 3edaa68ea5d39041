import type { Family } from './catalog.ts';

/** A base model as a text names it. */
export interface Mention {
  readonly family: Family;
  /** Stated size in billions of parameters; absent for mixtures ("8x7B"), whose weights are no such number. */
  readonly sizeB?: number;
  readonly instruct: boolean;
  /** One of the family's variants: "large-v3", "mini", "schnell". */
  readonly variant?: string;
  /** "llama-3-8b-instruct": family, size and instruct, without the variant. */
  readonly slug: string;
  /** Where the name starts in the text. */
  readonly index: number;
}

const SIZE = String.raw`((?:\d+x)?\d+(?:\.\d+)?)\s?([bm])(?:-a\d+(?:\.\d+)?b)?(?![a-z0-9])`;
/** What may stand between a name and its size: a variant, a version, a date. */
const BETWEEN = String.raw`(?:[a-z]*[\s._-]?(?:instruct|chat|it|base|v\d(?:\.\d)?)?|v?\d+(?:\.\d+)?(?![.\d]))`;
const SIZE_AFTER = new RegExp(`^[\\s._():-]*(?:${BETWEEN}[\\s._()-]+|[a-z]*[\\s._-]?)?(?:e(?=\\d))?${SIZE}`);
const SIZE_INSIDE = new RegExp(`(?<![\\d.])${SIZE}`);
const SIZE_BEFORE = new RegExp(
  `(?<![\\d.-])${SIZE}[\\s-]*(?:param\\w*\\s|model\\w*\\s|version\\s|variant\\w*\\s|of\\s|von\\s|de\\s|的)*$`,
);
const INSTRUCT = /^[\s._-]*(?:v?\d+(?:\.\d+)?[bm]?[\s._-]*)*(?:instruct|chat|it)(?![a-z])/;

/** The model a text names first and most precisely; undefined when it names none. */
export function mentionOf(text: string, families: readonly Family[]): Mention | undefined {
  return mentionsOf(text, families)[0];
}

interface Hit {
  readonly family: Family;
  readonly index: number;
  readonly end: number;
}

/**
 * The models that a text names, in order. A name counts whatever its case and
 * punctuation ("Llama3", "llama 3", "LLaMA-3"); where names overlap the longest
 * wins, so that "llama 3.2 vision" is not read as "llama". An owner in front of
 * the name ("meta-llama/Llama-3") is no name of its own.
 */
export function mentionsOf(text: string, families: readonly Family[]): readonly Mention[] {
  const lower = text.toLowerCase();
  const kept: Hit[] = [];
  for (const hit of hitsOf(lower, families)) {
    if (kept.every((other) => hit.end <= other.index || hit.index >= other.end)) kept.push(hit);
  }
  return kept
    .filter((hit) => !isOwner(lower, hit, kept))
    .toSorted((a, b) => a.index - b.index)
    .map((hit) => describe(lower, hit));
}

/** Every name that occurs, the longest first. */
function hitsOf(text: string, families: readonly Family[]): readonly Hit[] {
  return families
    .flatMap((family) => family.names.map((name) => ({ family, finder: finderOf(name) })))
    .filter(({ finder }) => text.includes(finder.first))
    .flatMap(({ family, finder }) =>
      [...text.matchAll(finder.pattern)].map(({ index, 0: found }) => ({ family, index, end: index + found.length })),
    )
    .toSorted((a, b) => b.end - b.index - (a.end - a.index) || a.index - b.index);
}

function isOwner(text: string, { index, end }: Hit, hits: readonly Hit[]): boolean {
  if (text[end] !== '/') return false;
  const next = hits.find((other) => other.index === end + 1);
  return next !== undefined && firstWord(text.slice(next.index)) === firstWord(text.slice(index, end));
}

function firstWord(text: string): string | undefined {
  return /[\p{L}]+/u.exec(text)?.[0];
}

function describe(text: string, { family, index, end }: Hit): Mention {
  const after = text.slice(end, end + 40);
  const before = text.slice(Math.max(0, index - 32), index);
  const size = SIZE_AFTER.exec(after) ?? SIZE_INSIDE.exec(text.slice(index, end)) ?? SIZE_BEFORE.exec(before);
  const instruct = INSTRUCT.test(after);
  const sizeB = size === null ? undefined : toBillions(size);
  const label = size === null ? '' : `-${size[1]}${size[2]}`;
  const variant = variantOf(family, text.slice(index, end + 24));
  return {
    family,
    instruct,
    index,
    slug: `${family.id}${label}${instruct ? '-instruct' : ''}`,
    ...(sizeB !== undefined && { sizeB }),
    ...(variant !== undefined && { variant }),
  };
}

/** The longest variant of the family that stands in the name or right behind it. */
function variantOf({ variants = [] }: Family, name: string): string | undefined {
  return variants
    .filter((variant) => {
      const body = variant.split('-').join('[\\s._-]*');
      return new RegExp(`^\\S+(?:[\\s._-]+\\d[\\d.]*)?[\\s._-]+${body}(?![a-z\\d])|[\\s._-]${body}$`).test(name);
    })
    .toSorted((a, b) => b.length - a.length)[0];
}

function toBillions([, value = '0', unit]: RegExpExecArray): number | undefined {
  if (value.includes('x')) return undefined;
  return unit === 'm' ? Number(value) / 1000 : Number(value);
}

interface Finder {
  /** What any occurrence holds: most names are told apart by it without the pattern. */
  readonly first: string;
  readonly pattern: RegExp;
}

const finders = new Map<string, Finder>();

/** "llama 3.1" as a pattern: parts may touch or be split by space, dot, hyphen or underscore; a version may have a "v". */
function finderOf(name: string): Finder {
  const known = finders.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const parts = lower.match(/[a-z+]+|\d+|[^a-z\d\s._+-]+/g) ?? [lower];
  const body = parts
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .reduce((all, part, at) => {
      const version = /^\d/.test(part) && /[a-z]$/.test(parts[at - 1] ?? '') && parts[at - 1] !== 'v';
      return `${all}[\\s._-]*${version ? 'v?' : ''}${part}`;
    });
  const latin = /[a-z\d]$/.test(lower);
  const pattern = new RegExp(`(?<![a-z\\d])${body}${latin ? '(?![a-z]|\\d|\\.\\d)' : ''}`, 'g');
  const finder = { first: parts[0] ?? lower, pattern };
  finders.set(name, finder);
  return finder;
}
