import { conceptTests, lexiconFile, type Words } from './lexicon.ts';
import { fold, sentences, withoutFences, withoutQuotes } from './text.ts';

interface SteeringFile {
  readonly concepts: Readonly<Record<string, Words>>;
  readonly rules: readonly {
    readonly name: string;
    readonly all: readonly string[];
    readonly unless: readonly string[];
  }[];
}

/** Markup that belongs to chats and planners, never to a goal: tags, chat templates, headings, comments, tool output. */
const MARKUP: readonly RegExp[] = [
  /<\/?(?:goal|approv|budget|limit|override|status|system|instructions?|user|assistant|admin|policy|contract|plan|tool|prompt|developer|function)\w*\b[^>]*>/i,
  /\[\/?(?:inst|system|admin|tool\w*|assistant|user|developer|function\w*|override)\b[^\]]*\]|<<\/?sys>>/i,
  /<\|[\w-]+\|>|<!--[\s\S]*?-->/,
  /^[#*=-]{2,}\s*(?:system|instructions?|new task|override|admin|planner|policy|developer)\b/im,
  /(?:^|[\n>([{.!?;。！？；])\s*(?:system|(?<=\S\s*)assistant|developer|tool(?:[ _](?:output|result))?|planner|admin|policy engine|budget[ _]check\w*|approval[ _]\w+|系统|システム)\s?[:：]\s?\S/im,
];

/** A record whose keys are the planner's own; data have other keys. Records start where a brace opens. */
const RECORD = /(?<!["'`]\s?)\{[^{}]{0,400}(?:\{[^{}]{0,200}\}[^{}]{0,200})*\}/g;
const CONTROL_KEYS =
  /["']?(?:\b|_)(?:budget\w*|limit|max_?cost|approved|approval\w*|auto_?approve\w*|refuse\w*|must_clarify|injection|alert_?at|warn_?at|spend\w*|policy\w*|digest|providers?|quality)["']?\s*[:=]\s*(?:["']?(?:true|false|null|none|granted|approved|unlimited|flagship|off|skip\w*|disabled|\$?\d{2,})|\{)/i;
const CONTROL_WORDS =
  /\b(?:max|skip|auto|no|disable|override|bypass|ignore|force|unlimited)[_-]?(?:spend|budget|cost|review|approv\w*|check\w*|limit|policy|guard\w*|confirm\w*)\w*\s?[:=]\s?[\w$]|\b(?:approved|auto_?approve\w*|skip_?\w+|must_?clarify|alert_?at|policy_?checks?|budget_?checks?)\s*[:=]\s*(?:true|false|off|none|\d)/i;

/** Twenty-four or more characters of base64. */
const ENCODED = /(?<![\w/+])(?:[A-Za-z0-9+/]{4}){6,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?![\w/+])/g;

const file = lexiconFile<SteeringFile>('steering.yaml');
const test = conceptTests('steering.yaml', file.concepts);

/**
 * Whether a folded text speaks to the planner instead of describing a goal.
 * What is quoted is data, and a sentence about attacks (a detector of prompt
 * injections) is a goal.
 */
export function readInjection(folded: string, plain: string = folded): boolean {
  const open = withoutQuotes(folded);
  if (hasMarkup(open) || CONTROL_WORDS.test(open) || hasControlRecord(plain)) return true;
  if (sentences(open).some((sentence) => steers(sentence))) return true;
  return decoded(plain).some((text) => sentences(text.toLowerCase()).some((part) => steers(part, true)));
}

/**
 * The text without the parts that try to steer: markup, records and the
 * sentences a rule speaks of. What remains is planned as written. `plain`
 * keeps its case; `foldText` makes what the rules read.
 */
export function honestPart(plain: string, foldText: (text: string) => string): string {
  const bare = plain
    .replace(/<!--[\s\S]*?-->/g, ' . ')
    .replace(/\[(\w+)\b[^\]]*\][\s\S]*?\[\/\1\]/g, ' . ')
    .replace(/<\|[\w-]+\|>[^<]*(?:<\|[\w-]+\|>)?/g, ' . ')
    .replace(/<\/?[a-z_]+[^>]*>/gi, ' . ')
    .replace(/\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, ' ')
    .replace(/\[\/?[a-z]+\]/gi, ' . ')
    .replace(ENCODED, ' ');
  const kept = sentences(bare).filter((sentence) => {
    const open = withoutQuotes(foldText(sentence));
    return !steers(open) && !hasMarkup(open);
  });
  return kept.join(' ').trim();
}

function hasMarkup(text: string): boolean {
  return MARKUP.some((pattern) => pattern.test(text));
}

/** Records hold quotes themselves, so only fenced ones are left out. */
function hasControlRecord(plain: string): boolean {
  return [...withoutFences(plain).matchAll(RECORD).take(50)].some(
    ([record]) => CONTROL_KEYS.test(record) || CONTROL_WORDS.test(record) || isSteeringMessage(record),
  );
}

/** A chat message of the system's whose content steers; one that only sets a tone is a row of data. */
function isSteeringMessage(record: string): boolean {
  if (!/["']?role["']?\s*:\s*["']?(?:system|developer|tool|assistant)/i.test(record)) return false;
  return sentences(fold(record).replace(/["'{}]/g, ' ')).some((part) => steers(part));
}

function steers(sentence: string, certain = false): boolean {
  const has = (concept: string): boolean => test(concept, sentence);
  return (
    file.rules.some(({ all, unless }) => all.every(has) && !unless.some(has)) && (certain || !has('about-attacks'))
  );
}

/** What base64 in the text spells, where it spells readable text. */
function decoded(text: string): readonly string[] {
  return [...text.matchAll(ENCODED).take(20)]
    .map(([code]) => Buffer.from(code, 'base64').toString('utf8'))
    .filter((plain) => /^[\x20-\x7e\n]{12,}$/.test(plain));
}
