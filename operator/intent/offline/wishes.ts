import type { Quality } from '@kriptik/crds';
import { compileWords, conceptTests, lexiconFile, type Words, wordTest } from './lexicon.ts';

export interface Wishes {
  /** Runs on the author's own machine. */
  readonly localOnly: boolean;
  /** The data must not leave the author's network. */
  readonly privateOnly: boolean;
  /** A public cloud is asked for. */
  readonly cloud: boolean;
  /** Where it may run: "eu", "us". */
  readonly regions: readonly string[];
  readonly commercialUse: boolean;
  /** SPDX identifiers in lower case; empty = any. */
  readonly licenses: readonly string[];
  /** What is to come out, and where: "gguf", "merged", "adapter", "hub". */
  readonly outputs: readonly string[];
  readonly quality: Quality | null;
}

interface WishFile {
  readonly concepts: Readonly<Record<string, Words>>;
  readonly quality: Readonly<Record<'flagship' | 'high' | 'quick', string>>;
}

const file = lexiconFile<WishFile>('wishes.yaml');
const test = conceptTests('wishes.yaml', file.concepts);
const NO_CLOUD = compileWords(file.concepts['no-cloud'] ?? {}, 'g');
const QUALITY = (['flagship', 'high', 'quick'] as const).map((quality) => ({
  quality,
  test: wordTest(file.quality[quality]),
}));

/** What a folded text wishes besides the task. */
export function readWishes(text: string): Wishes {
  const has = (name: string, within: string = text): boolean => test(name, within);
  const licenses = [
    ...(has('apache') || has('permissive') ? ['apache-2.0'] : []),
    ...(has('mit') || has('permissive') ? ['mit'] : []),
  ];
  return {
    localOnly: has('local'),
    privateOnly: has('private'),
    cloud: has('cloud', text.replace(NO_CLOUD, ' ')),
    regions: ['eu', 'us'].filter((name) => has(name)),
    commercialUse: has('commercial'),
    licenses,
    outputs: ['gguf', 'merged', 'adapter', 'hub'].filter((name) => has(name)),
    quality: QUALITY.find((one) => one.test(text))?.quality ?? null,
  };
}
