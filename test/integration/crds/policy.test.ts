import { it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit } from './edit.ts';
import { expectAccepted, expectRefused, writer } from './harness.ts';
import { validPolicy } from './valid.ts';

const cluster = useCluster('policy');
const dryRun = () => writer(cluster().client, cluster().namespace, true);

const good: readonly (readonly [string, Changes])[] = [
  ['one that forbids nothing', { spec: {} }],
  ['a ceiling for jobs alone', { 'spec.ceilings': { perJob: '50' } }],
  ['equal ceilings', { 'spec.ceilings.perNamespacePerMonth': '100.00' }],
  ['auto-approval up to the ceiling', { 'spec.approval.autoApproveBelow': '100' }],
  ['no GPUs at all', { 'spec.gpus': { maxCount: 0 } }],
];

it.each(good)('takes %s', async (_name, changes) => {
  expectAccepted(await dryRun().create(edit(validPolicy(), changes)));
});

const bad: readonly (readonly [string, Changes, ...string[]])[] = [
  [
    'a provider both allowed and denied',
    { 'spec.providers.denied': ['local'] },
    'spec.providers.denied',
    'may not be both allowed and denied',
  ],
  [
    'a licence both allowed and denied',
    { 'spec.licenses.denied': ['mit'] },
    'spec.licenses.denied',
    'remove it from one of the lists',
  ],
  [
    'a model both allowed and denied',
    { 'spec.models.denied': ['HuggingFaceTB/*'] },
    'spec.models.denied',
    'a model may not be both',
  ],
  [
    'a model with a star in the middle',
    { 'spec.models.allowed': ['meta*/llama'] },
    'spec.models',
    'a prefix that ends in *',
  ],
  ['an empty list of providers', { 'spec.providers.allowed': [] }, 'spec.providers.allowed', 'at least 1 items'],
  [
    'an unknown provider',
    { 'spec.providers.allowed': ['mainframe'] },
    'spec.providers.allowed[0]: Unsupported value: "mainframe"',
  ],
  ['a ceiling of zero', { 'spec.ceilings.perJob': '0' }, 'spec.ceilings.perJob', 'above 0'],
  ['a ceiling in words', { 'spec.ceilings.perJob': 'much' }, 'spec.ceilings.perJob', 'such as "12.50"'],
  [
    'a job ceiling above that of the month',
    { 'spec.ceilings.perJob': '2000' },
    'spec.ceilings.perJob',
    'perJob 2000 exceeds perNamespacePerMonth 1000',
  ],
  [
    'auto-approval above the ceiling',
    { 'spec.approval.autoApproveBelow': '101' },
    'spec.approval.autoApproveBelow',
    'may not exceed ceilings.perJob',
  ],
  [
    'a tile nobody may approve',
    { 'spec.approval.tiles': [{ names: ['GPU'] }] },
    'spec.approval.tiles[0]',
    'name at least one group or user',
  ],
  [
    'a tile in two rules',
    { 'spec.approval.tiles[1].names': ['Model', 'Budget'] },
    'spec.approval.tiles',
    'a tile may be named by one rule only',
  ],
  [
    'an unknown tile',
    { 'spec.approval.tiles[0].names': ['Price'] },
    'spec.approval.tiles[0].names[0]: Unsupported value: "Price"',
  ],
  ['a rule without tiles', { 'spec.approval.tiles[0].names': [] }, 'spec.approval.tiles[0].names', 'at least 1 items'],
  ['a name with a dot', { 'metadata.name': 'acme.policy' }, 'lower-case letters, digits and hyphens'],
  ['a negative number of GPUs', { 'spec.gpus.maxCount': -1 }, 'spec.gpus.maxCount', 'greater than or equal to 0'],
];

for (const [name, changes, ...parts] of bad) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().create(edit(validPolicy(), changes)), ...parts);
  });
}
