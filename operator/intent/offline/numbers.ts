/** Numbers as people write them: "1,500", "2.5k", "five hundred", "a grand", "2万". */

const WORDS: Readonly<Record<string, number>> = {
  zero: 0,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
  a: 1,
  an: 1,
  half: 0.5,
  couple: 2,
  ein: 1,
  eine: 1,
  einen: 1,
  zwei: 2,
  drei: 3,
  vier: 4,
  fünf: 5,
  sechs: 6,
  sieben: 7,
  acht: 8,
  neun: 9,
  zehn: 10,
  zwanzig: 20,
  dreißig: 30,
  vierzig: 40,
  fünfzig: 50,
  sechzig: 60,
  siebzig: 70,
  achtzig: 80,
  neunzig: 90,
  zweihundert: 200,
  dreihundert: 300,
  fünfhundert: 500,
  zweitausend: 2000,
  fünftausend: 5000,
  zehntausend: 10_000,
  un: 1,
  une: 1,
  deux: 2,
  trois: 3,
  quatre: 4,
  cinq: 5,
  dix: 10,
  vingt: 20,
  trente: 30,
  quarante: 40,
  cinquante: 50,
  soixante: 60,
  uno: 1,
  una: 1,
  dos: 2,
  tres: 3,
  cuatro: 4,
  cinco: 5,
  diez: 10,
  veinte: 20,
  treinta: 30,
  cuarenta: 40,
  cincuenta: 50,
  doscientos: 200,
  trescientos: 300,
  quinientos: 500,
};

const MULTIPLIERS: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1000,
  grand: 1000,
  k: 1000,
  million: 1e6,
  m: 1e6,
  mio: 1e6,
  dozen: 12,
  hundert: 100,
  tausend: 1000,
  cent: 100,
  cents: 100,
  mille: 1000,
  cien: 100,
  ciento: 100,
  mil: 1000,
  百: 100,
  千: 1000,
  万: 10_000,
  lakh: 100_000,
};

const ZH_DIGITS = '零一二三四五六七八九';

/** A pattern for one number: digits with separators, with an optional multiplier, or words. */
export const NUMBER = String.raw`(?:(?<!\d)\d[\d.,' \u00a0]{0,14}\d|\d)(?:\s?(?:k|m|mio|万|千|百|thousand|grand|tausend|mille?|mil|lakh)(?![a-z]))?`;
export const NUMBER_WORDS = `(?:(?:${[...Object.keys(WORDS), ...Object.keys(MULTIPLIERS)]
  .filter((word) => /^[a-zß-ü]{2,}$/.test(word) && word !== 'cents' && word !== 'an')
  .sort((a, b) => b.length - a.length)
  .join('|')}|a(?=\\s(?:hundred|thousand|grand|few|couple))|and(?=\\s))(?:[\\s-]{1,2}|(?![a-z]))){1,6}`;
export const NUMBER_ZH = `[${ZH_DIGITS}两十百千万]{1,12}`;

/** The value of a number as matched by NUMBER, NUMBER_WORDS or NUMBER_ZH; undefined when it is none. */
export function toNumber(text: string): number | undefined {
  const clean = text.trim().toLowerCase();
  if (/^\d/.test(clean)) return digits(clean);
  if (new RegExp(`^${NUMBER_ZH}$`).test(clean)) return chinese(clean);
  return words(clean);
}

function digits(text: string): number | undefined {
  const match = /^([\d.,' \u00a0]+?)\s?([a-z万千百]+)?$/.exec(text);
  if (match === null) return undefined;
  const [, body = '', unit] = match;
  const value = Number(unseparated(body.replace(/['\u00a0 ]/g, '')));
  const factor = unit === undefined ? 1 : MULTIPLIERS[unit];
  return Number.isFinite(value) && factor !== undefined ? value * factor : undefined;
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

function words(text: string): number | undefined {
  let total = 0;
  let current = 0;
  let seen = false;
  for (const word of text.split(/[\s-]+/)) {
    const value = WORDS[word];
    const factor = MULTIPLIERS[word];
    if (factor !== undefined) {
      current = (current === 0 ? 1 : current) * factor;
      if (factor >= 1000) {
        total += current;
        current = 0;
      }
    } else if (value !== undefined) {
      // "half a grand": the article adds nothing to a fraction.
      current = current === 0.5 ? current : current + value;
    } else if (word !== 'and' && word !== 'of' && word !== '') {
      return undefined;
    }
    seen ||= factor !== undefined || value !== undefined;
  }
  return seen ? total + current : undefined;
}

function chinese(text: string): number | undefined {
  let total = 0;
  let section = 0;
  let digit = 0;
  for (const char of text.replaceAll('两', '二')) {
    const value = ZH_DIGITS.indexOf(char);
    if (value >= 0) {
      digit = value;
      continue;
    }
    const unit = { 十: 10, 百: 100, 千: 1000 }[char];
    if (unit !== undefined) section += (digit === 0 ? 1 : digit) * unit;
    else total = (total + section + digit) * 10_000;
    if (unit === undefined) section = 0;
    digit = 0;
  }
  const value = total + section + digit;
  return value > 0 ? value : undefined;
}
