import { homedir } from 'node:os';
import { expect, it } from 'vitest';
import { projectFiles, ROOT, textOf } from './sources.ts';

const BINARY = /\.(png|jpe?g|gif|ico|woff2?|parquet|safetensors|gz|zip)$/;
const texts = projectFiles().filter((path) => !BINARY.test(path));

const linesWith = (pattern: RegExp, paths: readonly string[] = texts): string[] =>
  paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

it('names no folder of the machine it was written on', () => {
  for (const folder of new Set([ROOT, homedir()])) {
    if (folder === '/') continue;
    expect(linesWith(new RegExp(`${escaped(folder)}(/|\\b)`))).toEqual([]);
  }
});

it('names no host of a private network', () => {
  expect(linesWith(/https?:\/\/[A-Za-z0-9.-]+\.(internal|intranet|corp|lan|local)\b/)).toEqual([]);
  expect(linesWith(/https?:\/\/(172\.(1[6-9]|2\d|3[01])|192\.168)\.\d+/)).toEqual([]);
});

it('records no download address in a lock file, so that any mirror serves', () => {
  const locks = projectFiles(
    /(^|\/)(package-lock\.json|\.npmrc|[\w.-]*requirements[\w.-]*\.(txt|in)|[\w.-]+\.lock|pip\.conf)$/,
  );
  expect(locks).toContain('package-lock.json');
  const address = /"resolved": "(https?:|\/)|registry=|index-url[ =]|find-links[ =]|@ (https?:|\/)/;
  expect(linesWith(address, locks)).toEqual([]);
});

it('holds no key', () => {
  // A header that ends its line has a key below it; a marker inside a line does not.
  const keys =
    /-----BEGIN [A-Z ]*PRIVATE KEY-----$|\b(sk-ant-[A-Za-z0-9_-]{24}|ghp_[A-Za-z0-9]{24}|hf_[A-Za-z0-9]{24}|AKIA[A-Z0-9]{16})/;
  expect(linesWith(keys)).toEqual([]);
});

it('leaves no mark of unfinished work', () => {
  const code = texts.filter((path) => /\.(ts|tsx|py|sh|yaml|md)$/.test(path) && !path.startsWith('test/architecture/'));
  expect(linesWith(/\b(TODO|FIXME|XXX|HACK)\b/, code)).toEqual([]);
});

it('skips and singles out no test', () => {
  const tests = projectFiles(/(\.test\.ts|test_\w+\.py)$/).filter((path) => !path.startsWith('test/architecture/'));
  expect(linesWith(/\b(it|test|describe)\.(only|skip|todo)\b|@pytest\.mark\.(skip|xfail)\b/, tests)).toEqual([]);
});
