import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseManifests } from '@kriptik/tools/controlplane/cluster/manifests.ts';
import { expect, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { expectAccepted, writer } from './harness.ts';

const cluster = useCluster('docs');
const PAGES = join(import.meta.dirname, '..', '..', '..', 'docs', 'spec');

const examples = readdirSync(PAGES).flatMap((page) =>
  [...readFileSync(join(PAGES, page), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
    .flatMap(([, text]) => parseManifests(text ?? '', page))
    .map((manifest) => [page, manifest.metadata.name ?? '', manifest] as const),
);

it('finds the examples of the pages', () => {
  expect(examples.map(([page]) => page)).toEqual(
    expect.arrayContaining(['computeprovider.md', 'traininggoal.md', 'trainingpolicy.md']),
  );
});

it.each(examples)('takes the example of %s: %s', async (_page, _name, manifest) => {
  expectAccepted(await writer(cluster().client, cluster().namespace, true).create(manifest));
});
