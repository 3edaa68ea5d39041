/** Widths of text in terminal cells, with ANSI sequences counted as nothing. */

const ESCAPE = String.fromCharCode(0x1b);
const ANSI = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, 'g');

let segmenter: Intl.Segmenter | undefined;

/** Characters as people see them. Loading the rules for that takes a while, so that only text in need of them asks. */
function clusters(text: string): Iterable<string> {
  if (!COMPOSED.test(text)) return text;
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** What may belong together with its neighbours; without any of these each code point stands for itself. */
const COMPOSED =
  /[\p{Mark}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Default_Ignorable_Code_Point}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\r]/u;

/** Ranges that Unicode Annex 11 calls Wide or Fullwidth, as first and last code point. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

function stripAnsi(text: string): string {
  return text.replace(ANSI, '');
}

function clusterWidth(cluster: string): number {
  const code = cluster.codePointAt(0) ?? 0;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (/^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u.test(cluster)) return 0;
  if (/\p{Emoji_Presentation}|\ufe0f/u.test(cluster)) return 2;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Cells that `text` takes in a terminal. */
export function displayWidth(text: string): number {
  const bare = stripAnsi(text);
  if (/^[\x20-\x7e]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const cluster of clusters(bare)) width += clusterWidth(cluster);
  return width;
}

/** Fills with spaces on the right up to `width` cells; longer text stays as it is. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** Fills with spaces on the left up to `width` cells; longer text stays as it is. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** Cuts unstyled text to `width` cells, never inside a character; a cut is marked with an ellipsis. */
export function truncate(text: string, width: number, ellipsis = '…'): string {
  if (displayWidth(text) <= width) return text;
  const room = width - displayWidth(ellipsis);
  if (room < 0) return '';
  let kept = '';
  let used = 0;
  for (const cluster of clusters(text)) {
    const next = clusterWidth(cluster);
    if (used + next > room) break;
    kept += cluster;
    used += next;
  }
  return kept + ellipsis;
}

/**
 * Breaks unstyled text at spaces into lines of at most `width` cells. A longer word stands alone on a line of its own,
 * so that a path can be copied; with `breakWords` it is cut, so that no line is longer.
 */
export function wrap(text: string, width: number, { breakWords = false } = {}): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    const words = paragraph.split(/\s+/).filter((part) => part !== '');
    for (const word of breakWords ? words.flatMap((whole) => pieces(whole, Math.max(1, width))) : words) {
      const joined = line === '' ? word : `${line} ${word}`;
      if (displayWidth(joined) <= width || line === '') line = joined;
      else {
        lines.push(line);
        line = word;
      }
    }
    lines.push(line);
  }
  return lines;
}

/** A word in pieces of at most `width` cells; a cluster wider than that is a piece of its own. */
function pieces(word: string, width: number): string[] {
  if (displayWidth(word) <= width) return [word];
  const found: string[] = [];
  let piece = '';
  let used = 0;
  for (const cluster of clusters(word)) {
    const cells = clusterWidth(cluster);
    if (used + cells > width && piece !== '') {
      found.push(piece);
      piece = '';
      used = 0;
    }
    piece += cluster;
    used += cells;
  }
  return [...found, piece];
}

/** Removes control characters, so that text of others cannot steer the terminal. Newlines stay. */
export function printable(text: string): string {
  return stripAnsi(text).replace(/\p{Cc}/gu, (character) => (character === '\n' ? character : ''));
}
