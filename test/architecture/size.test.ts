import { expect, it } from 'vitest';
import { isGenerated, isTest, projectFiles, textOf } from './sources.ts';

const LONGEST = 500;
const MEDIAN = 130;

const lines = (path: string): number => textOf(path).trimEnd().split('\n').length;

it('holds no file of code longer than 500 lines', () => {
  const code = projectFiles(/\.(ts|tsx|py|sh)$/).filter((path) => !isGenerated(path));
  expect(code.length).toBeGreaterThan(200);
  expect(code.map((path) => `${path}: ${lines(path)}`).filter((one) => Number(one.split(': ')[1]) > LONGEST)).toEqual(
    [],
  );
});

it('keeps the files of the product short: a median of at most 130 lines', () => {
  const sizes = projectFiles(/\.tsx?$/)
    .filter((path) => !isGenerated(path) && !isTest(path))
    .map(lines)
    .sort((a, b) => a - b);
  expect(sizes.at(Math.floor(sizes.length / 2))).toBeLessThanOrEqual(MEDIAN);
});
