import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fold } from './text.ts';

/**
 * Word lists as data. A list holds terms parted by `|`, in any language; all are matched on folded text (see fold):
 *
 * - a space stands for spaces, hyphens or an apostrophe; `~` for the same or nothing ("fine~tun*": finetune, fine-tune);
 * - `*` after letters takes any ending ("clon*"), alone it stands for one word;
 * - `(a/b)` or `(a|b)` are alternatives, an empty one is allowed;
 * - `..` between spaces is a gap of a few words within the sentence, `.{0,6}` one of characters, for scripts without
 *   spaces.
 *
 * A Latin term begins and ends at a word boundary; its words may carry a plural s.
 */
export type Words = Readonly<Record<string, string>> | string;

/** One pattern for all terms of a concept, whatever their language. */
export function compileWords(words: Words, flags = ''): RegExp {
  return new RegExp(termsOf(words).map(wordPattern).join('|') || '(?!)', flags);
}

/**
 * A test of a folded text for the terms of a concept. Only the terms of the
 * scripts that the text is written in are compiled, at their first use: most
 * texts need a third of the lists.
 */
export function wordTest(words: Words): (text: string) => boolean {
  const compiled = new Map<Script, RegExp>();
  return (text) =>
    SCRIPTS.some(([script, letters]) => {
      if (!letters.test(text)) return false;
      let pattern = compiled.get(script);
      if (pattern === undefined) {
        const terms = termsOf(words).filter((term) => scriptOf(term) === script);
        pattern = new RegExp(terms.map(wordPattern).join('|') || '(?!)');
        compiled.set(script, pattern);
      }
      return pattern.test(text);
    });
}

/** The tests of the concepts of a data file, by name; asking for an unknown concept is a fault of the file. */
export function conceptTests(
  name: string,
  concepts: Readonly<Record<string, Words>>,
): (concept: string, text: string) => boolean {
  const tests = new Map(Object.entries(concepts).map(([concept, words]) => [concept, wordTest(words)]));
  return (concept, text) => {
    const test = tests.get(concept);
    if (test === undefined) throw new Error(`${name}: no concept ${concept}`);
    return test(text);
  };
}

/** The word lists as one file that is read quickly; generate.ts writes it. */
export const GENERATED = join(import.meta.dirname, 'generated', 'lexicon.json');

let files: Readonly<Record<string, string>> | undefined;

/** A word list by the name of its file; the caller states its shape. */
export function lexiconFile<T>(name: string): T {
  files ??= JSON.parse(readFileSync(GENERATED, 'utf8')) as Readonly<Record<string, string>>;
  return JSON.parse(files[name] ?? 'null') as T;
}

type Script = 'latin' | 'han' | 'devanagari';

const HAN = /[\u3040-\u30ff\u3400-\u9fff]/;
const DEVANAGARI = /[\u0900-\u097f]/;
const SCRIPTS: readonly [Script, RegExp][] = [
  ['latin', /[a-z\d]/],
  ['han', HAN],
  ['devanagari', DEVANAGARI],
];

function scriptOf(term: string): Script {
  if (HAN.test(term)) return 'han';
  return DEVANAGARI.test(term) ? 'devanagari' : 'latin';
}

/** The terms of a list: split at the bars outside parentheses. */
function termsOf(words: Words): readonly string[] {
  const lists = typeof words === 'string' ? [words] : Object.values(words);
  return lists.flatMap((list) => {
    const terms: string[] = [];
    let depth = 0;
    let start = 0;
    for (let index = 0; index <= list.length; index += 1) {
      const char = list[index];
      if (char === '(') depth += 1;
      else if (char === ')') depth -= 1;
      else if (char === undefined || (char === '|' && depth === 0)) {
        const term = list.slice(start, index).trim();
        if (term !== '') terms.push(term);
        start = index + 1;
      }
    }
    return terms;
  });
}

const SEPARATOR = String.raw`[\s\-_'’]`;
const GAP = String.raw`(?:[\s,:'"/-]+[^\s.;!?。！？]{1,24}){0,6}?[\s,:'"-]+`;
const TOKEN = /\.\{\d+,\d+\}| \.\. | \* |[\s\S]/g;
const LETTER = /[\p{L}\p{N}]/u;

/** The pattern of one term. */
export function wordPattern(term: string): string {
  const folded = fold(term);
  const latinStart = /^\(*[a-z\d]/.test(folded);
  const latinEnd = /[a-z\d]\)*$/.test(folded);
  let depth = 0;
  let before = '';
  let body = '';
  for (const token of folded.match(TOKEN) ?? []) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    body += piece(token, before, depth > 0);
    before = token;
  }
  return `${latinStart ? '(?<![a-z\\d])' : ''}(?:${body})${latinEnd ? 's?(?![a-z\\d])' : ''}`;
}

function piece(token: string, before: string, inGroup: boolean): string {
  if (token.startsWith('.{')) return `[^。！？!?\\n]${token.slice(1)}?`;
  switch (token) {
    case ' .. ':
      return GAP;
    case ' * ':
      return `${SEPARATOR}+\\S+${SEPARATOR}+`;
    case ' ':
      return /[a-z]/.test(before) ? `s?${SEPARATOR}+` : `${SEPARATOR}+`;
    case '~':
      return `${SEPARATOR}*`;
    case '*':
      return before === ')' || LETTER.test(before) ? '[a-z]*' : '\\S*';
    case '(':
      return '(?:';
    case ')':
      return ')';
    case '/':
    case '|':
      return inGroup ? '|' : token === '|' ? '\\|' : token;
    default:
      return /[.*+?^${}()|[\]\\]/.test(token) ? `\\${token}` : token;
  }
}
