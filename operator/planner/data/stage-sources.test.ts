import { describe, expect, it } from 'vitest';
import { catalog } from '../test-builders.ts';
import { type Learns, sourcesFor } from './stage-sources.ts';

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  books: ['text'],
  answers: ['messages'],
  pairs: ['prompt', 'chosen', 'rejected'],
  verdicts: ['prompt', 'completion', 'label'],
  sums: ['prompt', 'expected'],
};

const taken = (learns: Learns, names: readonly string[], told = true) => {
  const sources = names.map((name) => ({ name, uri: `file:///${name}.jsonl` }));
  const facts = told ? sources.map(({ uri, name }) => ({ uri, columns: COLUMNS[name] ?? [] })) : [];
  return sourcesFor(learns, sources, facts, catalog).map(({ name }) => name);
};

describe('of the sources of a goal of several stages', () => {
  it.each<[Learns, string[], string[]]>([
    ['reading', ['books', 'answers'], ['books']],
    ['reading', ['answers', 'pairs'], ['answers']],
    ['lora', ['books', 'answers', 'pairs'], ['answers']],
    ['full', ['books', 'pairs'], ['books']],
    ['dpo', ['answers', 'pairs'], ['pairs']],
    ['dpo', ['answers', 'verdicts'], ['verdicts']],
    ['rlhf', ['answers', 'sums'], ['sums']],
    ['rlhf', ['pairs', 'sums'], ['pairs']],
    ['lora', ['pairs'], ['pairs']],
  ])('%s takes of %j %j', (learns, names, want) => {
    expect(taken(learns, names)).toEqual(want);
  });

  it('goes by the names where nobody has looked into them', () => {
    expect(taken('dpo', ['answers', 'pairs'], false)).toEqual(['pairs']);
    expect(taken('lora', ['answers', 'pairs'], false)).toEqual(['answers']);
    expect(taken('lora', ['helpdesk', 'forum'], false)).toEqual(['helpdesk', 'forum']);
  });
});
