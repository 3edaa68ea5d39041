/** Longest part of a goal that is read, in characters. What lies behind it counts neither for nor against the goal. */
export const MOST_READ = 16_000;

export interface CleanText {
  /** Readable text in its own case, without characters that nobody sees. */
  readonly plain: string;
  /** The same, folded for matching. */
  readonly folded: string;
  /** Text that was hidden from people: tag characters or reversed writing direction. */
  readonly hidden: boolean;
}

/** Characters without a width: word joiners, soft hyphens, byte-order marks. Joiners belong to Devanagari and are kept. */
const INVISIBLE = /[\u00AD\u200B\u2060-\u2064\uFEFF\u180E]/g;
const DIRECTION = /[\u202A-\u202E\u2066-\u2069]/g;
const TAGS = /[\u{E0000}-\u{E007F}]/gu;
const CONTROL = /(?![\t\n])\p{Cc}/gu;

/** Makes any string readable: well-formed, NFKC, bounded in length, nothing invisible. Never throws. */
export function cleanText(goal: string): CleanText {
  const bounded = goal.slice(0, MOST_READ).toWellFormed();
  const hidden = /[\u202D\u202E]/.test(bounded) || (bounded.match(TAGS)?.length ?? 0) >= 4;
  // Tag characters mirror ASCII: what they spell is read like any other text.
  const shown = bounded.replace(TAGS, (tag) => String.fromCharCode((tag.codePointAt(0) ?? 0) - 0xe0000));
  const spaced = shown.replace(/[，；！？：]/g, (mark) => `${mark} `);
  const plain = spaced.replace(INVISIBLE, '').replace(DIRECTION, '').replace(CONTROL, ' ').normalize('NFKC');
  return { plain, folded: fold(plain), hidden };
}

/** Lower case, straight quotes, Latin letters without accents, digits of other scripts as ASCII: what is matched. */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .replace(/[‘’‛`´]/g, "'")
    .replace(/[“”„‟«»]/g, '"')
    .replace(/ß/g, 'ss')
    .replace(/[०-९]/g, (digit) => String(digit.charCodeAt(0) - 0x966))
    .normalize('NFD')
    .replace(/(?<=[a-z])[\u0300-\u036f]+/g, '')
    .normalize('NFC')
    .replace(/\u200c|\u200d|\u093c/g, '')
    .replace(/\u0929/g, 'न');
}

/** Sentences and lines, in order; the marks stay with them. A dot inside a number or a name ends nothing. */
export function sentences(text: string): readonly string[] {
  return text.split(/(?<=[.!?;](?=\s|$)|[。！？；।\n])\s*/).filter((sentence) => sentence.trim() !== '');
}

const QUOTED = /"[^"\n]{1,400}"|(?<![\p{L}\d])'[^'\n]{3,400}'(?![\p{L}])|「[^」\n]{1,400}」|『[^』\n]{1,400}』/gu;
const FENCED = /```[\s\S]*?(?:```|$)|^>.*$/gm;

/** Blanks what is quoted, fenced or pasted as a quote: it is an example of data, whoever wrote it. */
export function withoutQuotes(text: string): string {
  return withoutFences(text).replace(QUOTED, ' "" ');
}

/** Blanks fenced code and pasted replies alone. */
export function withoutFences(text: string): string {
  return text.replace(FENCED, ' ');
}
