import type { ConflictInput } from './conflict.ts';
import { ask, type DraftQuestion, round, usd } from './conflict-sums.ts';
import { conceptTests, lexiconFile, type Words, wordPattern } from './lexicon.ts';
import { NUMBER, toNumber } from './numbers.ts';

const lists = lexiconFile<Readonly<Record<string, Words>>>('clarity.yaml');
const test = conceptTests('clarity.yaml', lists);

/** FLOPs that a dollar buys at best, and that the fastest card sustains in an hour. */
const FLOPS_PER_DOLLAR = 7.2e17;
const FLOPS_PER_HOUR = 6e14 * 3600;
/** Cards that a run may get where the text names none. */
const MOST_CARDS = 64;
/** Tokens of a short example. */
const SHORT_ROW = 100;

/** Checks of terms that exclude each other by what they mean or by a sum over the work. */
export const TERM_CHECKS: readonly ((input: ConflictInput) => DraftQuestion | null)[] = [
  adaptersRuledOut,
  twoModels,
  leastAboveMost,
  dataNobodyHas,
  publishedThoughPrivate,
  workTooDear,
  tokensTooMany,
];

/** "A LoRA, but no adapters": the method is what is ruled out. */
function adaptersRuledOut({ text, named }: ConflictInput): DraftQuestion | null {
  if (!named.includes('lora') && !named.includes('qlora')) return null;
  if (!test('lora-named', text) || !test('adapters-ruled-out', text) || test('lora-ruled-out', text)) return null;
  return ask(
    'spec.constraints.method',
    'LoRA trains small adapters and leaves the original weights as they are; the text rules adapters out. Which of the two holds?',
    'full',
  );
}

const BOUND = new RegExp(
  `(?:${listPattern('bound-to')})\\s(?:(?:be|use|run on|auf|a|an|the|sur|con|with|and|only)\\s){0,2}(?:[a-z-]+/)?$`,
);

/** Two base models, each of which the text insists on. */
function twoModels({ text, mentions, named }: ConflictInput): DraftQuestion | null {
  if (/distil|teacher|student|merge|compare|ensemble/.test(text) || named.includes('rlhf')) return null;
  const bound = mentions.filter(({ index }) => BOUND.test(text.slice(Math.max(0, index - 40), index)));
  const families = [...new Set(bound.map(({ family }) => family.id))];
  const [first, second] = families;
  if (first === undefined || second === undefined) return null;
  return ask(
    'spec.constraints.model',
    `The text insists on ${first} and on ${second}, and one run trains one base model. Which of the two should it be?`,
    first,
  );
}

const UNITS = String.raw`[\s-]*(?:training )?(?<unit>epochs?|epochen|steps?|gpus?|cards?|karten|hours?|stunden|days?|tage|weeks?|rows?|examples?|images?|photos?|heures|jours|horas|dias|b\b|billion|小时|天|轮|张|時間|日|エポック)`;
const LEAST = new RegExp(
  String.raw`(?:at least|minimum(?: of)?|no (?:less|fewer) than|mindestens|au moins|al menos|como minimo|至少|少なくとも|最低|kam se kam|कम से कम)\s?(?<n>${NUMBER})${UNITS}`,
  'g',
);
const MOST = new RegExp(
  String.raw`(?:at most|max(?:imum)?(?: of)?|no (?:more|longer) than|not more than|not exceed|under|within|hochstens|maximal|au plus|au maximum|como maximo|maximo|不超过|最多|以内|最大|zyada se zyada|अधिकतम)\s?(?<n>${NUMBER})${UNITS}`,
  'g',
);

/** "At least 10 epochs, at most 3": a floor above the cap, both counted in the same unit. */
function leastAboveMost({ counted }: ConflictInput): DraftQuestion | null {
  const most = [...counted.matchAll(MOST).take(20)];
  for (const { groups: low } of counted.matchAll(LEAST).take(20)) {
    const unit = unitOf(low?.['unit']);
    const least = toNumber(low?.['n'] ?? '') ?? 0;
    const cap = most.find(({ groups }) => unitOf(groups?.['unit']) === unit)?.groups;
    const highest = toNumber(cap?.['n'] ?? '');
    if (highest === undefined || least <= highest) continue;
    return ask(
      'spec.goal',
      `The text wants at least ${least} ${unit} and at most ${highest} ${unit}: ${least} > ${highest}. Which of the two holds?`,
      `At most ${highest} ${unit}.`,
    );
  }
  return null;
}

function unitOf(words = ''): string {
  return words.replace(/(?<=[a-z]{2})s$/, '');
}

/** There are no data, none may be made, and none may be fetched. */
function dataNobodyHas({ text, wishes, rows, mediaHours }: ConflictInput): DraftQuestion | null {
  // "No data may leave the house" speaks of data that are there.
  const absent = text.replace(
    /no data (?=(?:may|must|can|should|shall|will|is|are|ever|leaves?|goes?|to|outside)\b)/g,
    '',
  );
  if (rows !== null || mediaHours !== null || !test('no-data', absent)) return null;
  if (!test('nobody-makes', text) && !test('no-internet', text) && !wishes.privateOnly) return null;
  return ask(
    'spec.data',
    'Training learns from examples; the text says that there are none, and that none may be made or fetched. Which data may it use?',
    'Use a public dataset from the Hub.',
  );
}

/** Nothing may leave the network, and the data or the result are to be public. */
function publishedThoughPrivate({ text, wishes }: ConflictInput): DraftQuestion | null {
  if (!wishes.privateOnly || !test('publish', text)) return null;
  return ask(
    'spec.constraints',
    'The text says that nothing may leave your network, and asks to publish or to send it elsewhere. Which of the two holds?',
    'Keep data and weights on our own cluster.',
  );
}

/** One pass over the rows, at the best price of arithmetic, costs more than the budget: 4 FLOPs a parameter and token. */
function workTooDear({ most, rows, sizeB, task, catalog }: ConflictInput): DraftQuestion | null {
  if (most === null || rows === null || sizeB === undefined || (task.modality !== 'llm' && task.modality !== 'code'))
    return null;
  const least = (4 * sizeB * 1e9 * SHORT_ROW * rows) / FLOPS_PER_DOLLAR;
  const budget = usd(most, catalog);
  if (budget >= least) return null;
  return ask(
    'spec.budget.limit',
    `One pass over ${rows} examples takes at least 4 x ${sizeB}e9 x ${SHORT_ROW} x ${rows} FLOPs, $${round(least)} at best, and the text allows $${round(budget)}. May the budget be higher, or the data fewer?`,
    String(Math.ceil(least * 2)),
  );
}

const TOKENS = new RegExp(`(?<n>${NUMBER})\\s?(?<unit>b|bn|billion|t|tn|trillion)?(?:illion)?[\\s-]tokens?`);

/** Tokens to learn from, against the deadline and the budget: 6 FLOPs a parameter and token. */
function tokensTooMany({
  counted,
  sizeB,
  deadlineHours,
  hardware,
  most,
  catalog,
}: ConflictInput): DraftQuestion | null {
  const match = TOKENS.exec(counted);
  const number = toNumber(match?.groups?.['n'] ?? '');
  if (number === undefined || sizeB === undefined) return null;
  const unit = match?.groups?.['unit'] ?? '';
  const tokens = number * (unit.startsWith('b') ? 1e9 : unit.startsWith('t') ? 1e12 : 1);
  const work = 6 * sizeB * 1e9 * tokens;
  const sum = `${round(tokens / 1e9)}e9 tokens take 6 x ${sizeB}e9 FLOPs each`;
  const cards = hardware.count ?? (hardware.limit === null ? MOST_CARDS : 8);
  const hours = work / (FLOPS_PER_HOUR * cards);
  if (deadlineHours !== null && hours > deadlineHours)
    return ask(
      'spec.constraints.deadline',
      `${sum}: on ${cards} GPUs at least ${round(hours)} h > ${round(deadlineHours)} h. May it take longer, or use less data?`,
      `${Math.ceil(hours * 2)}h`,
    );
  const dollars = work / FLOPS_PER_DOLLAR;
  if (most !== null && dollars > usd(most, catalog))
    return ask(
      'spec.budget.limit',
      `${sum}, $${round(dollars)} at best, and the text allows $${round(usd(most, catalog))}. May the budget be higher, or use less data?`,
      String(Math.ceil(dollars * 2)),
    );
  return null;
}

function listPattern(name: string): string {
  const words = lists[name] ?? '';
  const all = typeof words === 'string' ? [words] : Object.values(words);
  return all
    .flatMap((list) => list.split('|'))
    .map((term) => wordPattern(term.trim()))
    .join('|');
}
