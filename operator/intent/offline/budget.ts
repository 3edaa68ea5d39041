import { compileWords, lexiconFile, type Words, wordPattern } from './lexicon.ts';
import { NUMBER, toNumber } from './numbers.ts';

export interface Budget {
  /** Decimal string with at most six decimals. */
  readonly amount: string;
  /** ISO 4217. */
  readonly currency: string;
}

export interface BudgetWords {
  /** The most that may be spent; null when the text states none, or none that can be used. */
  readonly most: Budget | null;
  /** The least that is to be spent, where the text says so. */
  readonly least: Budget | null;
  /** What a person wrote that is no usable budget: "-5 dollars", "40 quatloos". */
  readonly unusable: { readonly words: string; readonly why: 'negative' | 'absurd' | 'currency' } | null;
}

interface MoneyFile {
  readonly currencies: readonly { readonly code: string; readonly before: string; readonly words: string }[];
  readonly cents: string;
  readonly pence: string;
  readonly 'euro-cents': string;
  readonly firm: Words;
  readonly loose: Words;
  readonly floor: Words;
  readonly soft: Words;
  readonly concession: Words;
  readonly 'other-before': Words;
  readonly 'other-after': Words;
}

const file = lexiconFile<MoneyFile>('money.yaml');
const FIRM = compileWords(file.firm, 'g');
const LOOSE = compileWords(file.loose);
const FLOOR = compileWords(file.floor, 'g');
const SOFT = compileWords(file.soft);
const CONCESSION = compileWords(file.concession);
const OTHER_BEFORE = new RegExp(`(?:${compileWords(file['other-before']).source})[^.;,。，]{0,16}$`);
const OTHER_AFTER = new RegExp(`^[\\s,(]{0,2}(?:${compileWords(file['other-after']).source})`);

const alternatives = (pick: (row: MoneyFile['currencies'][number]) => string): string =>
  file.currencies
    .flatMap((row) => pick(row).split('|'))
    .sort((a, b) => b.length - a.length)
    .map(wordPattern)
    .join('|');
const BEFORE = `${alternatives((row) => row.before)}|¥|￥`;
const SMALL = [file.cents, file.pence, file['euro-cents']].map((words) => compileWords(words).source).join('|');
const AFTER = alternatives((row) => row.words);
const CODES = file.currencies.map(({ code, before, words }) => ({
  code,
  pattern: new RegExp(`^(?:${`${before}|${words}`.split('|').map(wordPattern).join('|')})$`),
}));

const TO = String.raw`\s?(?:-|–|—|(?<![a-z])(?:to|and|bis|und|a|y|et|o|or|se)(?![a-z])|到|至|~|〜|から|से)\s?`;
const FORMS: readonly RegExp[] = [
  new RegExp(
    `(?<minus>(?<![\\w)])[-−]\\s?)?(?<![a-z])(?<cur>${BEFORE})\\s?(?<minus2>-)?(?<a>${NUMBER})(?:${TO}(?:${BEFORE})?\\s?(?<b>${NUMBER}))?`,
    'g',
  ),
  new RegExp(
    `(?<![\\w.$€£])(?<minus>[-−]\\s?)?(?<a>${NUMBER})(?:\\s?(?:${AFTER}))?(?:${TO}(?<b>${NUMBER}))?[\\s-]{0,2}(?:of |d'|de )?(?<cur>${AFTER}|${SMALL})`,
    'g',
  ),
  // "a grand", "half a grand": dollars unless something else is said.
  new RegExp(`(?<![\\w.])(?<a>(?:${NUMBER})(?:\\s?grand)?)(?<=grand)(?<cur>)(?![a-z])`, 'g'),
];
/** A number that only the word before it makes money: "spend max 45", "预算 500". */
const BARE = new RegExp(
  `(?:budget|presupuesto|kostenrahmen|预算|予算|बजट|spend|ausgeben|gastar|depenser|pay|put|set aside|limit|spending cap|kharch\\w*)[\\s:=']*(?:(?:is|s|of|was|ist|von|es|de|est|max\\w*|at most|up to|no more than|only|about|around|under|below|hochstens|bis zu|maximal|hasta|為|は|为|约|在)[\\s:.]*){0,4}(?<a>${NUMBER})(?<next>[\\s-]*[\\p{L}%]+)?`,
  'gu',
);
/** A bare limit that ends its clause: "under 1k", "may cost 150". */
const BARE_LIMIT = new RegExp(
  `(?:cap(?:ped)?(?: it| this)? at|limit of|under|below|at most|no more than|not over|less than|tops?|max\\w*|may cost|can cost|unter|hochstens|bis zu|menos de|hasta|moins de|au plus)\\s(?<a>${NUMBER})(?=\\s*(?:[.;,!?)]|$|please|pls|usd|total|max|all in|tops))`,
  'g',
);
const NOT_MONEY =
  /length|tokens?|resolution|rank|seq|batch|context|\bpx\b|accuracy|loss|latency|epochs?|\blr\b|temperature|size|score|f1|wer|steps?|age/;
/** Words after a bare number that leave it money. */
const STILL_MONEY =
  /^[\s-]*(?:aside|on|for|in|all|max|tops|total|and|or|is|at|so|please|pls|plz|but|per run|maximum|limit|fur|insgesamt|pour|para|en|und|oder|以内|左右|まで|तक|tak|usd)$/;
/** Nouns that are counted, timed or measured: no currency. */
const COUNTED_NOUN =
  /^[\s-]*(?:epochs?|steps?|gpus?|hours?|hrs?|h|days?|weeks?|minutes?|mins?|gb|tb|mb|g|vram|images?|photos?|examples?|samples?|rows?|pairs?|tokens?|requests?|tickets?|people|x|b|k|percent|%|stunden?|tage?n?|wochen?|heures?|jours?|horas?|dias?|semanas?|clips?|files?|characters?|words?|lines?|times?|runs?|models?|cards?|cores?|nodes?|different|more|new|of|per|each|billion|million)$/i;

/** A text with more amounts than this is no goal; reading on would only cost time. */
const MOST_AMOUNTS = 200;
const ABSURD = 1e9;

interface Found extends Budget {
  readonly value: number;
  readonly score: number;
  readonly isFloor: boolean;
  readonly index: number;
}

/**
 * What a folded text, its numbers as digits, says may be spent. Of a range the upper end counts; of
 * several limits the firmest, then the first. Rates ("$2 an hour"), prices of
 * other things, incomes and money already spent are no limits.
 */
export function readBudget(text: string): BudgetWords {
  const { found, unusable } = amounts(text);
  const usable = found.filter(({ score }) => score >= 0);
  const [best] = usable.filter(({ isFloor }) => !isFloor).toSorted((a, b) => b.score - a.score || a.index - b.index);
  const least = usable.find(({ isFloor }) => isFloor);
  return {
    most: best === undefined ? null : { amount: best.amount, currency: best.currency },
    least: least === undefined ? null : { amount: least.amount, currency: least.currency },
    unusable: best === undefined ? unusable : null,
  };
}

function amounts(text: string): { readonly found: readonly Found[]; readonly unusable: BudgetWords['unusable'] } {
  const taken: [number, number][] = [];
  const found: Found[] = [];
  let unusable: BudgetWords['unusable'] = null;
  for (const match of FORMS.flatMap((pattern) => [...text.matchAll(pattern).take(MOST_AMOUNTS)])) {
    const end = match.index + match[0].length;
    if (taken.some(([from, to]) => match.index < to && end > from)) continue;
    taken.push([match.index, end]);
    const { a = '', b, cur = '', minus, minus2 } = match.groups ?? {};
    const value = toNumber(b ?? a) ?? toNumber(a);
    if (value === undefined) continue;
    const score = scoreOf(text, match.index, end);
    const words = match[0].trim();
    if (minus !== undefined || minus2 !== undefined) {
      if (score >= 0) unusable ??= { words, why: 'negative' };
    } else if (value >= ABSURD) {
      if (score >= 0) unusable ??= { words, why: 'absurd' };
    } else {
      const small = new RegExp(`^(?:${SMALL})$`).test(cur);
      const exact = small ? value / 100 : value;
      found.push({
        value: exact,
        amount: decimal(exact),
        currency: currencyOf(cur, text),
        score,
        isFloor: b === undefined && isFloor(text, match.index, end),
        index: match.index,
      });
    }
  }
  if (found.every(({ score, isFloor }) => score < 0 || isFloor)) {
    for (const match of text.matchAll(BARE).take(20)) {
      const { a = '', next = '' } = match.groups ?? {};
      const start = match.index + match[0].lastIndexOf(a + next);
      if (taken.some(([from, to]) => start < to && start + a.length > from)) continue;
      const value = toNumber(a);
      if (value === undefined || value >= ABSURD || COUNTED_NOUN.test(next)) continue;
      if (next === '' || STILL_MONEY.test(next)) {
        found.push({ value, amount: decimal(value), currency: 'USD', score: 2, isFloor: false, index: start });
      } else if ((/^[\s-]*[a-z]{4,}$/.test(next) || isForeign(next)) && /budget|spend|pay/.test(match[0])) {
        unusable ??= { words: `${a.trim()} ${next.trim()}`, why: 'currency' };
      }
    }
  }
  if (found.every(({ score, isFloor }) => score < 0 || isFloor)) {
    for (const match of text.matchAll(BARE_LIMIT).take(20)) {
      const value = toNumber(match.groups?.['a'] ?? '');
      if (value === undefined || value < 5 || value >= ABSURD) continue;
      if (NOT_MONEY.test(text.slice(Math.max(0, match.index - 32), match.index))) continue;
      found.push({ value, amount: decimal(value), currency: 'USD', score: 1, isFloor: false, index: match.index });
    }
  }
  return { found, unusable };
}

/** ISO 4217 codes without a rate; the ones that are English words are words. */
function isForeign(word: string): boolean {
  const code = word.trim().toUpperCase();
  return !/^(?:TRY|MAD|CUP|TOP|MOP|BOB|PEN|ALL|GEL)$/.test(code) && Intl.supportedValuesOf('currency').includes(code);
}

function scoreOf(text: string, start: number, end: number): number {
  const before = text.slice(Math.max(0, start - 56), start);
  const after = text.slice(end, end + 36);
  // Only the same sentence speaks about an amount.
  const near = before.split(/[.!?;。！？](?=\s|$)|[。！？；]/).at(-1) ?? '';
  const tail = after.split(/[.!?;。！？；](?=\s|$)|[。！？；]/)[0] ?? '';
  const clause = tail.split(/[,，、]/)[0] ?? '';
  if (OTHER_AFTER.test(after) || OTHER_BEFORE.test(near)) return -1;
  const firm = matches(FIRM, near) || matches(FIRM, clause);
  const loose = LOOSE.test(near) || LOOSE.test(clause);
  const soft = SOFT.test(near.slice(-32)) ? 2 : 0;
  return (firm ? 3 : 0) + (loose ? 2 : 0) + (CONCESSION.test(tail) ? 4 : 0) + 1 - soft;
}

/** "At least 800": the word stands right before the amount, or, in some languages, after it. */
function isFloor(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 26), start);
  const after = text.slice(end, end + 10);
  const last = [...before.matchAll(FLOOR)].at(-1);
  if (last !== undefined) {
    const between = before.slice(last.index + last[0].length);
    if (!/[.;,。，]/.test(between) && !matches(FIRM, between) && !/^.{0,3}budget/.test(between)) return true;
  }
  return /^\s?(?:以上|or more|at least|minimum|mindestens)/.test(after);
}

function matches(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(text);
}

/** ¥ is yen in Japanese, yuan elsewhere, unless the text names the other. */
function currencyOf(raw: string, text: string): string {
  const cur = raw.trim();
  if (cur === '¥' || cur === '￥') return /[\u3040-\u30ff]|円|\byen\b|日元|jpy|japan/.test(text) ? 'JPY' : 'CNY';
  if (compileWords(file.pence).test(cur)) return 'GBP';
  if (compileWords(file['euro-cents']).test(cur)) return 'EUR';
  return CODES.find(({ pattern }) => pattern.test(cur))?.code ?? 'USD';
}

function decimal(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, '');
}
