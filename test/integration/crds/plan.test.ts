import { beforeAll, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit, type Json } from './edit.ts';
import { expectAccepted, expectRefused, writer } from './harness.ts';
import { approval, otherDigest, pricedStatus, tiles, validPlan } from './valid-plan.ts';

const cluster = useCluster('plan');
const store = () => writer(cluster().client, cluster().namespace);
const dryRun = () => writer(cluster().client, cluster().namespace, true);

/** Plans as they are stored: one that waits for a decision, one without a price, one approved, one denied. */
const stored: Record<'priced' | 'unpriced' | 'approved' | 'denied', Json> = {
  priced: {},
  unpriced: {},
  approved: {},
  denied: {},
};

beforeAll(async () => {
  const put = async (name: string, status?: object) => {
    const created = expectAccepted(await store().create(validPlan(`help-desk-${name}`)));
    return status === undefined ? created : expectAccepted(await store().replace({ ...created, status }, 'status'));
  };
  stored.priced = await put('priced', pricedStatus);
  stored.unpriced = await put('unpriced');
  stored.approved = await put('approved', { ...pricedStatus, approval });
  stored.denied = await put('denied', {
    ...pricedStatus,
    approval: { ...approval, decision: 'Denied', tiles: ['GPU'] },
  });
});

const badSpecs: readonly (readonly [string, Changes, ...string[]])[] = [
  ['a plan of no goal', { 'spec.goalRef': undefined }, 'spec.goalRef: Required value'],
  ['a plan without a contract', { 'spec.contract': undefined }, 'spec.contract: Required value'],
  [
    'a plan named after another goal',
    { 'metadata.name': 'other-0123abcd' },
    'spec.goalRef.name',
    'starts with the name of its goal and a hyphen: help-desk-',
  ],
  ['a name too long for its job', { 'metadata.name': `help-desk-${'a'.repeat(45)}` }, 'at most 54 characters'],
  ['a selection that is no id', { 'spec.selection.gpu': 'two words' }, 'spec.selection.gpu', 'should match'],
  ['an empty selection', { 'spec.selection.gpu': '' }, 'spec.selection.gpu', 'at least 1 chars'],
  ['a selection of no tile', { 'spec.selection.price': 'low' }, 'unknown field "spec.selection.price"'],
  [
    'a contract of an unknown method',
    { 'spec.contract.methods': ['magic'] },
    'spec.contract.methods[0]: Unsupported value',
  ],
  ['a hash that is none', { 'spec.contract.inputHash': 'sha1:abc' }, 'spec.contract.inputHash', 'should match'],
  [
    'a contract without a source of its budget',
    { 'spec.contract.budget.source': undefined },
    'spec.contract.budget.source: Required value',
  ],
];

for (const [name, changes, ...parts] of badSpecs) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().create(edit(validPlan(), changes)), ...parts);
  });
}

const badStatuses: readonly (readonly [string, Changes, ...string[]])[] = [
  ['four tiles', { 'status.tiles': tiles.slice(1) }, 'status.tiles', 'at least 5 items'],
  ['a tile twice', { 'status.tiles[4].name': 'GPU' }, 'status.tiles[4]: Duplicate value'],
  ['an unknown tile', { 'status.tiles[4].name': 'Price' }, 'status.tiles[4].name: Unsupported value: "Price"'],
  [
    'an alternative twice',
    { 'status.tiles[0].alternatives[1]': tiles[0]?.alternatives[0] },
    'status.tiles[0].alternatives[1]: Duplicate value',
  ],
  [
    'a quote above the budget of the contract',
    { 'status.quote.limit': '5.01' },
    'status.quote.limit',
    'may not exceed the budget of the contract',
  ],
  ['a quote without a limit', { 'status.quote.limit': '0' }, 'status.quote.limit', 'a quote needs a limit above 0'],
  [
    'a low estimate above the expected one',
    { 'status.quote.total.low': '2' },
    'status.quote.total',
    'low, expected, high',
  ],
  ['an amount in exponents', { 'status.quote.storage': '1e3' }, 'status.quote.storage', 'should match'],
  ['a platform fee above all', { 'status.quote.platformFeePercent': 101 }, 'less than or equal to 100'],
  ['a day that is none', { 'status.quote.priceAsOf': 'today' }, 'status.quote.priceAsOf'],
  [
    'GPUs that share the model in an unknown way',
    { 'status.resolved.parallelism': 'pipelined' },
    'status.resolved.parallelism: Unsupported value: "pipelined"',
  ],
  ['nowhere to run', { 'status.resolved.providerOrder': [] }, 'status.resolved.providerOrder', 'at least 1 items'],
  [
    'an approval of an older digest',
    { 'status.approval': { ...approval, digest: otherDigest } },
    'status.approval.digest',
    `names ${otherDigest} but the plan is now`,
    'decide again',
  ],
  [
    'an approval without a price',
    { 'status.quote': undefined, 'status.approval': approval },
    'status.approval',
    'this plan is not priced yet',
  ],
  [
    'an approval of no digest',
    { 'status.digest': undefined, 'status.approval': approval },
    'status.approval',
    'wait until it has tiles, quote and digest',
  ],
  [
    'an approval of nobody',
    { 'status.approval': { ...approval, user: '' } },
    'status.approval.user',
    'at least 1 chars',
  ],
  [
    'an approval at no time',
    { 'status.approval': { ...approval, at: 'now' } },
    'status.approval.at',
    'must be of type date-time',
  ],
  [
    'half an approval',
    { 'status.approval': { ...approval, tiles: ['GPU'] } },
    'status.approval.tiles',
    'a plan is approved as a whole',
  ],
  [
    'neither yes nor no',
    { 'status.approval': { ...approval, decision: 'Maybe' } },
    'status.approval.decision: Unsupported value: "Maybe"',
  ],
  [
    'two conditions of a type',
    { 'status.conditions[1]': pricedStatus.conditions?.[0] },
    'status.conditions[1]: Duplicate value',
  ],
  [
    'a condition with a reason in words',
    { 'status.conditions[0].reason': 'not yet' },
    'status.conditions[0].reason',
    'should match',
  ],
];

for (const [name, changes, ...parts] of badStatuses) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().replace(edit(stored.priced, changes), 'status'), ...parts);
  });
}

type From = keyof typeof stored;
const badEdits: readonly (readonly [string, From, Changes, ...string[]])[] = [
  [
    'another contract',
    'priced',
    { 'spec.contract.goalText': 'Spend more.' },
    'spec.contract: Forbidden',
    'the contract is locked: change the TrainingGoal',
  ],
  ['another limit in the contract', 'priced', { 'spec.contract.budget.limit': '500' }, 'spec.contract: Forbidden'],
  ['an assumption removed', 'priced', { 'spec.contract.assumptions': [] }, 'spec.contract: Forbidden'],
  ['a datasetHint removed', 'priced', { 'spec.contract.datasetHint': undefined }, 'spec.contract: Forbidden'],
  ['no contract', 'priced', { 'spec.contract': undefined }, 'spec.contract: Required value'],
  [
    'another goal',
    'priced',
    { 'spec.goalRef.uid': 'x' },
    'spec.goalRef: Forbidden',
    'a plan belongs to one goal for good',
  ],
  [
    'an alternative that is not offered',
    'priced',
    { 'spec.selection.gpu': 'moon/H100' },
    'spec.selection.gpu',
    '"moon/H100" is not offered for the GPU tile',
  ],
  [
    'the alternative of another tile',
    'priced',
    { 'spec.selection.method': 'quick' },
    'spec.selection.method',
    'not offered for the Method tile',
  ],
  [
    'another selection after approval',
    'approved',
    { 'spec.selection.gpu': 'cloud/H100-SXM-80GB' },
    'spec.selection: Forbidden',
    'this plan is approved and cannot be edited',
  ],
  [
    'no selection after approval',
    'approved',
    { 'spec.selection': undefined },
    'spec.selection: Forbidden',
    'change the TrainingGoal for a new plan',
  ],
];

for (const [name, from, changes, ...parts] of badEdits) {
  it(`refuses ${name} in an edit`, async () => {
    expectRefused(await dryRun().replace(edit(stored[from], changes)), ...parts);
  });
}

const badDecisions: readonly (readonly [string, From, Changes, ...string[]])[] = [
  [
    'an approval taken back',
    'approved',
    { 'status.approval': undefined },
    'status.approval: Forbidden',
    'was approved by alice and that is permanent',
  ],
  [
    'an approval turned into a denial',
    'approved',
    { 'status.approval.decision': 'Denied' },
    'permanent for this digest',
  ],
  ['an approval given another name', 'approved', { 'status.approval.user': 'bob' }, 'permanent for this digest'],
  [
    'a denial turned into an approval',
    'denied',
    { 'status.approval': approval },
    'was denied by alice',
    'change the selection or the goal',
  ],
  [
    'an approval carried over to a new price',
    'approved',
    { 'status.digest': otherDigest },
    'status.approval.digest',
    'look at the new price and decide again',
  ],
];

for (const [name, from, changes, ...parts] of badDecisions) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().replace(edit(stored[from], changes), 'status'), ...parts);
  });
}

const goodStatuses: readonly (readonly [string, From, Changes])[] = [
  ['an approval', 'priced', { 'status.approval': approval }],
  ['an approval of the whole without naming tiles', 'priced', { 'status.approval': { ...approval, tiles: undefined } }],
  ['a denial of one tile', 'priced', { 'status.approval': { ...approval, decision: 'Denied', tiles: ['GPU'] } }],
  ['a plan that does not fit its limit', 'priced', { 'status.quote.fits': false, 'status.quote.limit': '1.00' }],
  ['a new price that voids the approval', 'approved', { 'status.digest': otherDigest, 'status.approval': undefined }],
  [
    'a new price approved at once',
    'approved',
    { 'status.digest': otherDigest, 'status.approval': { ...approval, digest: otherDigest } },
  ],
  [
    'an approval kept while the phase moves on',
    'approved',
    { 'status.phase': 'Superseded', 'status.supersededBy': 'help-desk-next' },
  ],
];

it.each(goodStatuses)('takes %s', async (_name, from, changes) => {
  expectAccepted(await dryRun().replace(edit(stored[from], changes), 'status'));
});

const goodEdits: readonly (readonly [string, From, Changes])[] = [
  ['an alternative that is offered', 'priced', { 'spec.selection.gpu': 'cloud/H100-SXM-80GB' }],
  ['what is chosen already', 'priced', { 'spec.selection.gpu': 'here' }],
  ['a selection before there are tiles', 'unpriced', { 'spec.selection.gpu': 'anything' }],
  ['another selection after a denial', 'denied', { 'spec.selection.gpu': 'cloud/H100-SXM-80GB' }],
  ['a label after approval', 'approved', { 'metadata.labels': { team: 'ml' } }],
];

it.each(goodEdits)('takes %s in an edit', async (_name, from, changes) => {
  expectAccepted(await dryRun().replace(edit(stored[from], changes)));
});

it('refuses an alternative that is offered but not available', async () => {
  const unavailable = edit(stored.unpriced, {
    status: edit(pricedStatus, { 'tiles[3].alternatives[0].available': false }),
  });
  const before = expectAccepted(await store().replace(unavailable, 'status'));
  const after = edit(before, { 'spec.selection.gpu': 'cloud/H100-SXM-80GB' });
  expectRefused(await dryRun().replace(after), 'choose the id of an available alternative');
});
