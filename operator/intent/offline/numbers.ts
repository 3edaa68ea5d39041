import { lexiconFile } from './lexicon.ts';

/** Numbers as people write them: "1,500", "1.500,50", "2.5k", "five hundred", "zwei Tausend", "3 lakh", "5万". */

interface NumberFile {
  readonly values: Readonly<Record<string, string>>;
  readonly multipliers: Readonly<Record<string, string>>;
  readonly joins: string;
}

const file = lexiconFile<NumberFile>('numbers.yaml');
const VALUES = byWord(file.values);
const MULTIPLIERS = byWord(file.multipliers);
const JOINS = new Set(file.joins.split(' '));
const HAN_DIGITS = '零一二三四五六七八九';
const HAN_UNITS: Readonly<Record<string, number>> = { 十: 10, 百: 100, 千: 1000 };
const HAN_MYRIADS: Readonly<Record<string, number>> = { 万: 1e4, 萬: 1e4, 億: 1e8, 亿: 1e8 };

/** Longest first, so that "fourteen" is not read as "four". */
const LATIN = [...VALUES.keys(), ...MULTIPLIERS.keys()]
  .filter((word) => /^[a-z]{2,}$/.test(word))
  .sort((a, b) => b.length - a.length);
/** Number words that are common words besides: they count only beside other number words. */
const AMBIGUOUS = new Set(
  'a an un une uno una ein eine einen eins das do dos teen char nau saat tees bees saath elf mill k mn bn cent cents couple das media medio half grand sau once two-thirds'.split(
    ' ',
  ),
);
const SUFFIX = String.raw`(?:k|m|mn|mio|mil|mille|grand|thousand|tausend|tsd\.?|hundred|hundert|million(?:en|s)?|lakhs?|lacs?|crores?|hazaa?r|हजार|लाख|करोड|सौ|[千百]?[万萬億亿]|千|百|w(?=元|块))`;

/** A pattern for digits with separators and an optional multiplier. */
export const NUMBER = String.raw`(?:(?<![\d.,])(?:\d{1,3}(?:[ \u00a0'’.,]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?)(?:\s?${SUFFIX}(?![a-z]))*)`;

const TOKENS = new RegExp(`[a-z]+|[\\u0900-\\u097f]+|[${HAN_DIGITS}两兩十百千万萬億亿]+|[\\s\\S]`, 'g');

/**
 * A folded text with its number words as digits: "five hundred bucks" becomes
 * "500 bucks", "三千元" "3000元", "half a grand" "500 dollars". Multipliers
 * that follow digits stay ("3 lakh").
 */
export function digitise(text: string): string {
  const tokens = text.match(TOKENS) ?? [];
  let out = '';
  for (let at = 0; at < tokens.length; ) {
    const end = sequenceEnd(tokens, at);
    if (end === at || /\d[ .,]?$/.test(out.slice(-2))) {
      out += tokens[at] ?? '';
      at += 1;
      continue;
    }
    const phrase = tokens.slice(at, end).join('');
    const value = HAN.test(phrase) ? han(phrase) : words(phrase);
    out += value === undefined ? phrase : `${value}${/\bgrand$/.test(phrase) ? ' dollars' : ''}`;
    at = end;
  }
  return out;
}

const HAN = new RegExp(`^[${HAN_DIGITS}两兩十百千万萬億亿]+$`);

/** Index behind the number words that start at `at`; `at` itself when none do. */
function sequenceEnd(tokens: readonly string[], at: number): number {
  const first = tokens[at] ?? '';
  if (HAN.test(first)) return /[一二三四五六七八九两兩]/.test(first) || first.length > 1 ? at + 1 : at;
  if (!isNumberWord(first)) return at;
  let end = at + 1;
  let count = 1;
  for (let next = end; next < tokens.length; ) {
    const gap = tokens[next] ?? '';
    if (gap !== ' ' && gap !== '-') break;
    const word = tokens[next + 1] ?? '';
    // "half a grand", but not "one A100".
    if (isNumberWord(word) && (word !== 'a' || isNumberWord(tokens[next + 3] ?? ''))) {
      end = next + 2;
      count += 1;
    } else if (JOINS.has(word) && tokens[next + 2] === ' ' && isNumberWord(tokens[next + 3] ?? '')) {
      // "two hundred and fifty", but not "between two and three".
      if (!MULTIPLIERS.has(tokens[next - 1] ?? '') && !/vingt|trenta|enta/.test(tokens[next - 1] ?? '')) break;
      end = next + 4;
      count += 1;
    } else break;
    next = end;
  }
  return count === 1 && AMBIGUOUS.has(first) ? at : end;
}

function isNumberWord(word: string): boolean {
  if (VALUES.has(word) || MULTIPLIERS.has(word) || word === 'a') return true;
  if (word.length < 7 || !LATIN.some((part) => word.startsWith(part))) return false;
  return morphemes(word).length > 1;
}

/** The value of a number as matched by NUMBER; undefined when it is none. */
export function toNumber(text: string): number | undefined {
  return digits(text.trim().toLowerCase());
}

function byWord(table: Readonly<Record<string, string>>): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(table).flatMap(([value, list]) => list.split(' ').map((word) => [word, Number(value)])),
  );
}

function digits(text: string): number | undefined {
  const match = /^([\d.,'’ \u00a0]*\d)\s?(.*)$/.exec(text);
  if (match === null) return undefined;
  const [, body = '', rest = ''] = match;
  const value = Number(unseparated(body.replace(/['’\u00a0 ]/g, '')));
  const factor = factorOf(rest.trim());
  return Number.isFinite(value) && factor !== undefined ? value * factor : undefined;
}

/** What the words or signs after the digits multiply by: "k" 1000, "万" 10,000, "lakh" 100,000. */
function factorOf(suffix: string): number | undefined {
  if (suffix === '') return 1;
  if (suffix === 'm') return 1e6;
  if (suffix === 'w') return 1e4;
  let factor = 1;
  for (const [piece] of suffix.matchAll(/[a-z]+|[\u0900-\u097f]+|[千百万萬億亿]/g)) {
    const value = MULTIPLIERS.get(piece) ?? HAN_UNITS[piece] ?? HAN_MYRIADS[piece];
    if (value === undefined) return undefined;
    factor *= value;
  }
  return factor;
}

/** Separators of thousands out, the decimal separator as a dot. Three digits after a lone separator are thousands. */
function unseparated(body: string): string {
  const last = Math.max(body.lastIndexOf('.'), body.lastIndexOf(','));
  if (last < 0) return body;
  const decimals = body.slice(last + 1);
  const whole = body.slice(0, last).replace(/[.,]/g, '');
  const mixed = body.includes('.') && body.includes(',');
  const thousands = decimals.length === 3 && !mixed && whole !== '0' && whole !== '';
  return thousands ? whole + decimals : `${whole}.${decimals}`;
}

/** Adds up words: smaller values before a multiplier are multiplied, what follows is added. */
function words(text: string): number | undefined {
  let total = 0;
  let current = 0;
  let seen = false;
  for (const word of text.split(/[\s-]+/).flatMap(morphemes)) {
    const value = VALUES.get(word);
    const factor = MULTIPLIERS.get(word);
    if (factor !== undefined) {
      current = (current === 0 ? 1 : current) * factor;
      if (factor >= 1000) {
        total += current;
        current = 0;
      }
    } else if (value !== undefined) {
      // "half a grand": the article adds nothing to a fraction. "Quatre-vingt" is four twenties.
      if (value === 20 && current === 4) current = 80;
      else current = current === 0.5 ? current : current + value;
    } else if (!JOINS.has(word) && word !== 'a' && word !== '') {
      return undefined;
    }
    seen ||= factor !== undefined || value !== undefined;
  }
  return seen ? total + current : undefined;
}

/** "zweihundertfunfzig" as its parts; a word that is none stays whole. */
function morphemes(word: string): readonly string[] {
  if (VALUES.has(word) || MULTIPLIERS.has(word) || JOINS.has(word)) return [word];
  const parts: string[] = [];
  let rest = word;
  while (rest !== '') {
    const part = ['und', ...LATIN].find((one) => rest.startsWith(one));
    if (part === undefined) return [word];
    parts.push(part);
    rest = rest.slice(part.length);
  }
  return parts;
}

function han(text: string): number | undefined {
  let total = 0;
  let section = 0;
  let digit = 0;
  for (const char of text.replace(/[两兩]/g, '二')) {
    const value = HAN_DIGITS.indexOf(char);
    const unit = HAN_UNITS[char];
    const myriad = HAN_MYRIADS[char];
    if (value >= 0) digit = value;
    else if (unit !== undefined) {
      section += (digit === 0 ? 1 : digit) * unit;
      digit = 0;
    } else if (myriad !== undefined) {
      const before = section + digit;
      total += (before === 0 ? 1 : before) * myriad;
      section = 0;
      digit = 0;
    }
  }
  const value = total + section + digit;
  return value > 0 ? value : undefined;
}
