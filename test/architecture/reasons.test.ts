import { describe, expect, it } from 'vitest';
import { isTest, projectFiles, textOf } from './sources.ts';

/** Each kind with the files whose reasons and phases its conditions, events and status show. */
const KINDS = {
  traininggoal: /^operator\/goal\//,
  trainingplan: /^operator\/(plan\/(?!approval|preview)|planner\/types\.ts$)/,
  trainingjob: /^operator\/(job\/(?!providers)|plan\/approval\.ts$)/,
  trainingpolicy: /^operator\/policy\//,
  computeprovider:
    /^operator\/(provider\/(decide|reconciler)\.ts|backends\/errors\.ts|backends\/local\/(index|probe)\.ts)$/,
} as const;

/** Words of other lists that stand in such places: types of events, reasons of a checkpoint or a stop. */
const OTHERS = new Set(['Normal', 'Warning', 'Periodic', 'Budget', 'OutcomeUnknown']);

/** Words in the places where a reason, a phase or a code of a diagnosis is written. */
const PLACES = [
  /\b(?:reason|code|phase): (?:[\w.?[\]()]+ \?\? )?'([A-Z]\w+)'/g,
  /\b(?:reason|code): [^\n]+? \? '([A-Z]\w+)'/g,
  /\b(?:reason|code): [^\n]+? \? '[A-Z]\w+' : '([A-Z]\w+)'/g,
  /\b(?:pending|notReady)\(\s*'([A-Z]\w+)'/g,
  /\bevent\((?:[^,()]+), '([A-Z]\w+)'/g,
  /\bevent\((?:[^,()]+), [^,'()]+ \? '([A-Z]\w+)'/g,
  /\bevent\((?:[^,()]+), [^,'()]+ \? '[A-Z]\w+' : '([A-Z]\w+)'/g,
  /\bis\('[A-Z]\w+', '([A-Z]\w+)'/g,
  /^ {2}\| '([A-Z]\w+)'/gm,
  /^export type BackendErrorKind = (.*)$/gm,
];

function wordsOf(files: RegExp): string[] {
  const texts = projectFiles(/^operator\/.*\.ts$/)
    .filter((path) => files.test(path) && !isTest(path))
    .map(textOf);
  const found = texts.flatMap((text) =>
    PLACES.flatMap((place) => [...text.matchAll(place)].flatMap(([, words = '']) => words.match(/[A-Z]\w+/g) ?? [])),
  );
  return [...new Set(found)].filter((word) => !OTHERS.has(word)).sort();
}

/** Phases as the definition lists them. */
function phasesOf(kind: string): string[] {
  const [path = ''] = projectFiles(new RegExp(`^crds/.*_${kind.replace(/y$/, 'ie')}s\\.yaml$`));
  const [, list = ''] =
    /Summary of the conditions for people: ([^.]*)\./.exec(textOf(path).replaceAll(/\s+/g, ' ')) ?? [];
  return list.match(/[A-Z]\w+/g) ?? [];
}

describe('reasons and phases', () => {
  it.each(Object.entries(KINDS))('of a %s are explained on its page', (kind, files) => {
    const page = textOf(`docs/spec/${kind}.md`).replace(/<!-- fields -->[\s\S]*?<!-- end -->/, '');
    const words = [...new Set([...wordsOf(files), ...phasesOf(kind)])];
    expect(words.length).toBeGreaterThan(1);
    expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(page))).toEqual([]);
  });

  it('finds them where they are written', () => {
    expect(wordsOf(KINDS.trainingjob)).toEqual(
      expect.arrayContaining(['NoProviderReady', 'LostRepeatedly', 'OutOfMemory', 'DigestMismatch', 'LaunchRefused']),
    );
    expect(wordsOf(KINDS.trainingplan)).toEqual(
      expect.arrayContaining(['NoSuitableModel', 'DataUnreadable', 'Superseded']),
    );
    expect(wordsOf(KINDS.computeprovider)).toEqual(
      expect.arrayContaining(['TrainerMissing', 'DiskFull', 'Misconfigured']),
    );
    expect(phasesOf('trainingjob')).toContain('Superseded');
  });
});
