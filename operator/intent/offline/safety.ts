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

/** Characters in which the concepts of a rule must meet: a short goal as a whole, a long one in windows of sentences. */
const NEAR = 600;

const file = lexiconFile<SafetyFile>('safety.yaml');
const test = conceptTests('safety.yaml', file.concepts);
const EVADE = compileWords(file.concepts['evade'] ?? {}).source;
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
export function readRefusal(folded: string): string | null {
  for (const window of windows(folded)) {
    const found = new Map<string, boolean>();
    const has = (concept: string): boolean => {
      const known = found.get(concept);
      if (known !== undefined) return known;
      // A guard that is to be evaded protects nobody.
      const value = test(concept, concept === 'protect' ? window.replace(EVASION, ' ') : window);
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
