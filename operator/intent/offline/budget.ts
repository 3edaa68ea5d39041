import { NUMBER, NUMBER_WORDS, NUMBER_ZH, toNumber } from './numbers.ts';

export interface Budget {
  /** Decimal string with at most two decimals (six for small amounts). */
  readonly amount: string;
  /** ISO 4217. */
  readonly currency: string;
}

const SYMBOLS: readonly [RegExp, string][] = [
  [/^(us\$|usd|\$|u\.s\. dollars?)$/, 'USD'],
  [/^(ca\$|c\$|cad)$/, 'CAD'],
  [/^(a\$|au\$|aud)$/, 'AUD'],
  [/^(€|eur|euros?)$/, 'EUR'],
  [/^(£|gbp|quid|pounds?( sterling)?|libras)$/, 'GBP'],
  [/^(₹|rs\.?|inr|rupees?|rupien)$/, 'INR'],
  [/^(人民币|元人民币|元|块钱?|rmb|cny|yuan|renminbi|cn¥)$/, 'CNY'],
  [/^(jpy|yen|日元|円)$/, 'JPY'],
  [/^(chf|franken|swiss francs?|francs suisses)$/, 'CHF'],
  [/^(r\$|brl|reais)$/, 'BRL'],
  [/^(krw|won|₩)$/, 'KRW'],
  [/^(美元|美金|刀|dollars?|bucks?|dólares|dolares|dollar us)$/, 'USD'],
  [/^(欧元)$/, 'EUR'],
  [/^(英镑)$/, 'GBP'],
];

const BEFORE = String.raw`us\$|usd|ca\$|c\$|cad|au\$|a\$|aud|r\$|brl|\$|€|eur|£|gbp|₹|rs\.?|inr|rmb|cny|cn¥|¥|￥|chf|jpy|₩|krw`;
const AFTER = String.raw`us\$|usd|u\.s\. dollars?|dollars?|bucks?|dólares|dolares|\$|euros?|eur|€|quid|pounds?(?: sterling)?|gbp|£|libras|yuan|renminbi|rmb|cny|元人民币|人民币|元|块钱?|美元|美金|刀|欧元|英镑|rupees?|inr|₹|chf|franken|swiss francs?|francs suisses|cad|aud|jpy|yen|日元|円|reais|brl|won|krw`;
const CENTS = 'cents?|¢|pence|centimes|céntimos|美分';
const TO = String.raw`\s?(?:-|–|—|to|and|bis|à|a|y|und|et|到|至|~)\s?`;

/** What says that an amount is a limit; `firm` words outweigh the rest. */
const FIRM =
  /max(?:imum|imal|imo|\.)?|at most|no more than|not (?:more|over)|cap(?:ped)?\b|limit|ceiling|more th[ae]n|exceed|höchstens|nicht mehr als|como máximo|no más de|au plus|pas plus de|plafond|不超过|以内|之内|最多|上限|up to|tops|within|keep (?:it|this|that|cost)|stay|under|below|less than|unter|bis zu|menos de|hasta|moins de|jusqu/;
const LOOSE =
  /budget|spend|afford|presupuesto|gastar|dépenser|ausgeben|预算|花|pay|cost|all[ -]in|total|have got|for about/;
/** What says that an amount is something else: a rate, a price, money already gone. */
const NOT_A_LIMIT_AFTER =
  /^\s?(?:\/|per |an |a |each |pro |par |por |每)\s?(?:hr|hour|h\b|gpu|month|mo\b|year|stunde|monat|heure|hora|mes|小时|token|image|song|user|seat|call|request|customer)/;
const NOT_A_LIMIT_BEFORE =
  /(?:already (?:spent|paid)|have spent|we spent|i spent|wasted|saves? (?:us )?|save|revenue|worth|sells? for|priced? (?:at|from)|raised|salary|charg\w+|costs? us|invoices? (?:of|over|above|under)|orders? (?:of|over|above|under)|claims? (?:of|over|above|under)|transactions? (?:of|over|above|under)|bought (?:it )?for|refunds? (?:of|over|under|above|up to))\s?[^.;,]{0,16}$/;
const SOFT = /(?:ideally|preferably|hopefully|would be nice|am liebsten)[^.;]{0,24}$/;

/** A text with more amounts than this is no goal; reading on would only cost time. */
const MOST_AMOUNTS = 200;

interface Found extends Budget {
  readonly score: number;
  readonly index: number;
}

/**
 * The most a text lets us spend. Of a range the upper end counts; of several
 * limits the firmest, then the first. Rates ("$2 an hour"), prices of other
 * things and money already spent are no limits. Null when the text names none.
 */
export function readBudget(text: string): Budget | null {
  const found = amounts(text.toLowerCase()).filter(({ score }) => score >= 0);
  const [best] = found.toSorted((a, b) => b.score - a.score || a.index - b.index);
  return best === undefined ? null : { amount: best.amount, currency: best.currency };
}

function amounts(text: string): readonly Found[] {
  const value = `(?:${NUMBER}|${NUMBER_WORDS}|${NUMBER_ZH})`;
  const patterns = [
    new RegExp(`(?<cur>${BEFORE})\\s?(?<a>${NUMBER})(?:${TO}(?:${BEFORE})?\\s?(?<b>${NUMBER}))?`, 'g'),
    new RegExp(
      `(?<![\\w.$€£])(?<a>${value})(?:${TO}(?<b>${value}))?[\\s-]?(?:of )?(?<cur>${AFTER}|${CENTS})(?![a-z])`,
      'g',
    ),
    // "a grand", "two grand", "half a grand": dollars unless something else is said.
    new RegExp(`(?<![\\w.])(?<a>(?:${NUMBER}|${NUMBER_WORDS})\\s?(?:grand)?)(?<=grand)(?<cur>)(?![a-z])`, 'g'),
  ];
  const taken: [number, number][] = [];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern).take(MOST_AMOUNTS)].flatMap((match) => {
      const end = match.index + match[0].length;
      if (taken.some(([from, to]) => match.index < to && end > from)) return [];
      const upper = match.groups?.['b'] ?? match.groups?.['a'] ?? '';
      const number = toNumber(upper) ?? toNumber(match.groups?.['a'] ?? '');
      const cur = match.groups?.['cur'] ?? '';
      if (number === undefined || number < 0 || number >= 1e9) return [];
      taken.push([match.index, end]);
      const cents = new RegExp(`^(?:${CENTS})$`).test(cur);
      return [
        {
          amount: decimal(cents ? number / 100 : number),
          currency: currencyOf(cur, text),
          score: scoreOf(text, match.index, end),
          index: match.index,
        },
      ];
    }),
  );
}

function scoreOf(text: string, start: number, end: number): number {
  const before = text.slice(Math.max(0, start - 48), start);
  const after = text.slice(end, end + 28);
  if (NOT_A_LIMIT_AFTER.test(after) || NOT_A_LIMIT_BEFORE.test(before)) return -1;
  // Only the same sentence speaks about an amount.
  const near = before.split(/[.!?;。！？](?=\s|$)/).at(-1) ?? '';
  const tail = after.split(/[.!?;,。！？，](?=\s|$)/)[0] ?? '';
  const soft = SOFT.test(near) ? 2 : 0;
  return (
    (FIRM.test(near) || /^\s?(?:max|tops|or less|以内|之内|limit|cap|at most|maximum|budget|all in)/.test(tail)
      ? 3
      : 0) +
    (LOOSE.test(near) || LOOSE.test(tail) ? 2 : 0) +
    1 -
    soft
  );
}

function currencyOf(raw: string, text: string): string {
  const cur = raw.trim();
  if (cur === '¥' || cur === '￥') return /円|yen|日元|jpy/.test(text) ? 'JPY' : 'CNY';
  if (cur === 'pence') return 'GBP';
  if (cur === 'centimes' || cur === 'céntimos') return 'EUR';
  return SYMBOLS.find(([pattern]) => pattern.test(cur))?.[1] ?? 'USD';
}

function decimal(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, '');
}
