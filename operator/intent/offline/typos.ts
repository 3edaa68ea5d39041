/** Words of goals that people mistype, and that decide how a goal is read. Folded; longer than six letters. */
const VOCABULARY = [
  'assistant budget captioning captions chatbot classification classifier classify conversation conversations',
  'customer dataset documents dollars dreambooth embedding finetune finetuning generate generation handwriting',
  'handwritten illustration illustrations images instruction invoices language maximum music painting paintings',
  'photographs photos pictures preference product questions answers receipts recognition recordings reinforcement',
  'sentiment singing screenshots speech summaries summarize summarization summarise support tickets transcribe',
  'transcription transcripts translate translation textual inversion tutorial video videos voice voices watercolor',
  'without consent instructions approval approve ignore policy stable diffusion completion reasoning character',
  'zusammenfassung klassifikation ubersetzung rechnungen kundenservice spracherkennung resumen clasificar traduccion',
]
  .join(' ')
  .split(' ')
  .filter((word) => word.length >= 7);

const BY_INITIAL = new Map<string, string[]>();
for (const word of VOCABULARY) BY_INITIAL.set(word[0] ?? '', [...(BY_INITIAL.get(word[0] ?? '') ?? []), word]);
const KNOWN = new Set(VOCABULARY);

/** Short forms of chats. */
const SLANG: readonly [RegExp, string][] = [
  [/(?<![a-z\d])(?:u|ya)(?![a-z\d'])/g, 'you'],
  [/(?<![a-z\d])(?:pls|plz|plss+)(?![a-z\d])/g, 'please'],
  [/(?<![a-z\d])w\/o(?![a-z\d])/g, 'without'],
  [/(?<![a-z\d])(?:w\/|w)(?=\s)/g, 'with'],
  [/(?<![a-z\d])abt(?![a-z\d])/g, 'about'],
  [/(?<![a-z\d])wanna(?![a-z\d])/g, 'want to'],
  [/(?<![a-z\d])gonna(?![a-z\d])/g, 'going to'],
  [/(?<![a-z\d])(?:vid|vids)(?![a-z\d])/g, 'video'],
  [/(?<![a-z\d])convos?(?![a-z\d])/g, 'conversations'],
  [/(?<![a-z\d])pix(?![a-z\d])/g, 'pictures'],
  [/(?<![a-z\d])(?:msg|msgs)(?![a-z\d])/g, 'messages'],
];

/**
 * A folded text with slang spelt out and near misses of the vocabulary put
 * right: one letter wrong, missing, doubled or swapped in words of seven
 * letters or more with the same initial.
 */
export function correctTypos(text: string): string {
  const spelt = SLANG.reduce((now, [pattern, word]) => now.replace(pattern, word), text);
  return spelt.replace(/(?<![a-z])[a-z]{6,20}(?![a-z])/g, (word) => {
    if (KNOWN.has(word)) return word;
    return BY_INITIAL.get(word[0] ?? '')?.find((known) => isNear(word, known)) ?? word;
  });
}

/** Whether one edit (insert, delete, replace, swap neighbours) turns `a` into `b`; a plural or an ending is none. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || a === b) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (end === 0 && left.length + right.length <= 1) return false;
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}
