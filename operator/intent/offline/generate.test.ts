import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderLexicon } from './generate.ts';
import { GENERATED } from './lexicon.ts';

it('the word lists that are read are those that are written', () => {
  expect(readFileSync(GENERATED, 'utf8')).toBe(renderLexicon());
});
