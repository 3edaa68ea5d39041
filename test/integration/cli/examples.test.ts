import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useBench } from './harness.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'examples');
const bench = useBench('cli-examples');

const manifests = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((path) => /\.ya?ml$/.test(path));

it('finds the examples', () => {
  expect(manifests).toContain(join('quickstart', 'goal.yaml'));
});

it.each(manifests)('%s is taken by the API server', async (path) => {
  const { code, out, err } = await bench().cli(['apply', '--dry-run', '-f', join(EXAMPLES, path)]);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/ created \(dry run\)\n$/);
});
