import { compileWords, conceptTests, lexiconFile, type Words } from './lexicon.ts';
import { sentences } from './text.ts';

interface SafetyFile {
  readonly concepts: Readonly<Record<string, Words>>;
  readonly rules: readonly {
    readonly reason: string;
    readonly all: readonly string[];
    readonly any?: readonly string[];
    readonly unless?: readonly string[];
  }[];
}

interface Rule {
  readonly reason: string;
  readonly all: readonly string[];
  readonly any: readonly string[];
  readonly unless: readonly string[];
}

/** The one concept that no word list holds: a person named as the owner of a voice. */
const NAMED = 'named-voice';

/** Characters in which the concepts of a rule must meet: a short goal as a whole, a long one in windows of sentences. */
const NEAR = 600;

const file = lexiconFile<SafetyFile>('safety.yaml');
const test = conceptTests('safety.yaml', file.concepts);
const EVADE = compileWords(file.concepts['evade'] ?? {}).source;
/** "My ex blocked me": a block that protects nobody here. */
const ESTRANGED = compileWords(file.concepts['estranged'] ?? {}, 'g');
/** An evasion with the end of its clause, where the guard stands; in some languages the guard comes first. */
const EVASION = new RegExp(`[^,.;!?。，！？]{0,24}(?:${EVADE})[^,.;!?。，！？]{0,48}`, 'g');
const RULES: readonly Rule[] = file.rules.map(({ reason, all, any = [], unless = [] }) => ({
  reason,
  all,
  any,
  unless,
}));

/**
 * The reason why a goal is refused; null = nothing speaks against it. `folded` is the whole text, quotes included:
 * harm does not become harmless inside quotation marks.
 */
export function readRefusal(folded: string, plain: string = folded): string | null {
  const named = namesPerson(plain);
  for (const window of windows(folded)) {
    const found = new Map<string, boolean>();
    const has = (concept: string): boolean => {
      const known = found.get(concept);
      if (known !== undefined) return known;
      // A guard that is to be evaded protects nobody.
      const value =
        concept === NAMED
          ? named
          : test(concept, concept === 'protect' ? window.replace(EVASION, ' ').replace(ESTRANGED, ' ') : window);
      found.set(concept, value);
      return value;
    };
    const broken = RULES.find(
      ({ all, any, unless }) => all.every(has) && (any.length === 0 || any.some(has)) && !unless.some(has),
    );
    if (broken !== undefined) return broken.reason;
  }
  return null;
}

function windows(text: string): readonly string[] {
  if (text.length <= NEAR) return [text];
  const parts = sentences(text).map((part) => part.slice(0, 2 * NEAR));
  return parts.map((part, index) => `${parts[index - 1] ?? ''} ${part} ${parts[index + 1] ?? ''}`);
}

const FULL_NAME = String.raw`(?<name>\p{Lu}\p{Ll}+ \p{Lu}\p{Ll}+)`;
const VOICE_OF = new RegExp(
  `(?:voice of|[Cc]lone|[Ii]mitate|[Ss]ounds? like|[Dd]eepfakes? of|Stimme von|voix de|voz de|声音|の声)\\s(?:the voice of |actor |actress |singer )?${FULL_NAME}|${FULL_NAME}(?:'s|’s)? (?:voice|Stimme|speech)`,
  'gu',
);
/** Capitalised words that make no person: languages, places, days, brands of voices. */
const NO_PERSON =
  /\b(?:English|German|French|Spanish|Chinese|Japanese|Hindi|Italian|Dutch|Swiss|British|American|Irish|Scottish|Welsh|Indian|African|Asian|European|Arabic|Turkish|Polish|Portuguese|Brazilian|Mexican|Canadian|Austrian|Bavarian|Make|The|Our|My|This|That|New|Text|Train|Build|Create|Clone|Need|Want|Best|Real|Google|Apple|Amazon|Microsoft|Open|Common|Mozilla|Sherlock|Santa|Darth|Mickey|Harry|Gandalf|Master)\b/;

/** Whether the text names a person by first and last name as the owner of a voice. */
function namesPerson(plain: string): boolean {
  return [...plain.matchAll(VOICE_OF).take(20)].some(({ groups }) => !NO_PERSON.test(groups?.['name'] ?? ''));
}
