import { beforeAll, describe, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit, type Json } from '../crds/edit.ts';
import { expectAccepted, expectRefused, writer } from '../crds/harness.ts';
import { approval, digest, otherDigest, pricedStatus, validPlan } from '../crds/valid-plan.ts';
import { almostEverything, bind, grant, installRoles, PATIENCE, usePeople } from './people.ts';

const cluster = useCluster('approval');
const as = usePeople(cluster);
const decision = (user: string, changes: Json = {}) => ({ ...approval, user, via: 'status', ...changes });

/** A new plan that waits for a decision. */
async function priced(name: string): Promise<Json> {
  const store = writer(cluster().client, cluster().namespace);
  const created = expectAccepted(await store.create(validPlan(`help-desk-${name}`)));
  return expectAccepted(await store.replace({ ...created, status: pricedStatus }, 'status'));
}

let waiting: Json = {};
beforeAll(async () => {
  await installRoles(cluster());
  await bind(cluster(), 'approver', 'kriptik-approver', ['approve', 'trainingplans']);
  await bind(cluster(), 'editor', 'kriptik-editor', ['create', 'traininggoals']);
  await bind(cluster(), 'viewer', 'kriptik-viewer', ['get', 'traininggoals']);
  await bind(cluster(), 'operator', 'kriptik-operator', ['operate', 'trainingplans']);
  // Broader rights than the role gives: here the policies and the definitions must do the refusing.
  await grant(cluster(), 'operator', [almostEverything]);
  await grant(cluster(), 'verbless', [almostEverything]);
  waiting = await priced('waiting');
  // The API server takes a moment to enforce a policy it was just given.
  await vi.waitFor(
    async () =>
      expectRefused(
        await as('verbless', { dryRun: true }).patch(
          'TrainingPlan',
          'help-desk-waiting',
          { status: { approval: decision('verbless') } },
          'status',
        ),
        'verb "approve"',
      ),
    PATIENCE,
  );
});

const refusals: readonly (readonly [string, string, Changes, ...string[]])[] = [
  [
    'one with every right but the verb',
    'verbless',
    { 'status.approval': decision('verbless') },
    'user "verbless" may not decide on TrainingPlan',
    'needs the verb "approve" on trainingplans.training.kriptik.ai',
    'create rolebinding kriptik-approver --clusterrole=kriptik-approver --user=verbless',
  ],
  [
    'one with every right but the verb, who denies',
    'verbless',
    { 'status.approval': decision('verbless', { decision: 'Denied' }) },
    'needs the verb "approve"',
  ],
  [
    'an approver in the name of another',
    'approver',
    { 'status.approval': decision('boss') },
    'status.approval.user is "boss" but this request is made by "approver"',
  ],
  [
    'an approver in the name of a policy',
    'approver',
    { 'status.approval': decision('approver', { via: 'policy' }) },
    'status.approval.via is "policy", which only the operator may record',
  ],
  [
    'an approver in the name of a pull request',
    'approver',
    { 'status.approval': decision('approver', { via: 'pullRequest' }) },
    'set it to "status"',
  ],
  [
    'an approver of an older digest',
    'approver',
    { 'status.approval': decision('approver', { digest: otherDigest }) },
    'look at the new price and decide again',
  ],
  [
    'an approver who forges the digest',
    'approver',
    { 'status.digest': otherDigest },
    'user "approver" may not write the status of trainingplans',
    'people write status.approval only',
  ],
  [
    'an approver who forges the digest together with the approval',
    'approver',
    { 'status.digest': otherDigest, 'status.approval': decision('approver', { digest: otherDigest }) },
    'may not write the status of trainingplans',
  ],
  [
    'an approver who forges the quote',
    'approver',
    { 'status.quote.total.low': '0.01' },
    'may not write the status of trainingplans',
  ],
  [
    'an approver who forges the price together with the approval',
    'approver',
    { 'status.resolved.providerOrder[0].unitPricePerHour': '0.01', 'status.approval': decision('approver') },
    'may not write the status',
  ],
  ['an approver who removes a tile fact', 'approver', { 'status.tiles[0].facts': [] }, 'may not write the status'],
  ['an approver who drops the conditions', 'approver', { 'status.conditions': undefined }, 'may not write the status'],
  ['an approver who drops the status', 'approver', { status: undefined }, 'may not write the status'],
  ['a viewer', 'viewer', { 'status.approval': decision('viewer') }, 'cannot update resource "trainingplans/status"'],
  ['an editor', 'editor', { 'status.approval': decision('editor') }, 'cannot update resource "trainingplans/status"'],
];

describe('the API server stops', () => {
  for (const [name, user, changes, ...parts] of refusals) {
    it(name, async () => {
      expectRefused(await as(user, { dryRun: true }).replace(edit(waiting, changes), 'status'), ...parts);
    });
  }
});

it('lets an approver approve, once and for good, and freezes the spec', async () => {
  await priced('approved');
  const patch = (status: object) => as('approver').patch('TrainingPlan', 'help-desk-approved', { status }, 'status');
  const approved = expectAccepted(await patch({ approval: decision('approver') }));
  expect(approved['status']).toMatchObject({ approval: { decision: 'Approved', user: 'approver', digest } });

  expectRefused(await patch({ approval: null }), 'permanent for this digest');
  expectRefused(await patch({ approval: { decision: 'Denied' } }), 'permanent for this digest');
  const select = { spec: { selection: { gpu: 'cloud/H100-SXM-80GB' } } };
  expectRefused(
    await as('approver').patch('TrainingPlan', 'help-desk-approved', select),
    'approved and cannot be edited',
  );
  expectRefused(
    await as('operator').patch('TrainingPlan', 'help-desk-approved', select),
    'approved and cannot be edited',
  );
});

it('keeps a stale decision from coming back after a new price', async () => {
  const before = await priced('repriced');
  expectAccepted(
    await as('approver').patch(
      'TrainingPlan',
      'help-desk-repriced',
      { status: { approval: decision('approver') } },
      'status',
    ),
  );
  const repriced = { status: { digest: otherDigest, approval: null } };
  expectAccepted(await as('operator').patch('TrainingPlan', 'help-desk-repriced', repriced, 'status'));
  const late = await as('approver').patch(
    'TrainingPlan',
    'help-desk-repriced',
    { status: { approval: decision('approver') } },
    'status',
  );
  expectRefused(late, 'look at the new price and decide again');
  const stale = await as('approver').replace(edit(before, { 'status.approval': decision('approver') }), 'status');
  expect(stale.status).toBe(409);
});

it('does not let an approver remove a decision even when the digest moves', async () => {
  await priced('removed');
  expectAccepted(
    await as('approver').patch(
      'TrainingPlan',
      'help-desk-removed',
      { status: { approval: decision('approver', { decision: 'Denied' }) } },
      'status',
    ),
  );
  const both = { status: { digest: otherDigest, approval: null } };
  const outcome = await as('approver').patch('TrainingPlan', 'help-desk-removed', both, 'status');
  expect(outcome.status).toBe(403);
  expect(outcome.message).toMatch(/may not write the status of trainingplans|cannot be removed: only the operator/);
});

it('lets the operator record a policy and a review, but not itself as a person with another name', async () => {
  await priced('recorded');
  const dry = as('operator', { dryRun: true });
  const record = (changes: Json) =>
    dry.patch('TrainingPlan', 'help-desk-recorded', { status: { approval: decision('acme', changes) } }, 'status');
  expectAccepted(await record({ via: 'policy' }));
  expectAccepted(await record({ via: 'pullRequest', user: 'octocat' }));
  expectRefused(await record({ via: 'status' }), 'everybody decides in their own name');
});

it('honours the verb for one plan only', async () => {
  await grant(cluster(), 'narrow', [
    { ...almostEverything, verbs: ['approve'], resources: ['trainingplans'], resourceNames: ['help-desk-waiting'] },
    almostEverything,
  ]);
  await priced('another');
  const approve = (plan: string) =>
    as('narrow', { dryRun: true }).patch('TrainingPlan', plan, { status: { approval: decision('narrow') } }, 'status');
  expectAccepted(await approve('help-desk-waiting'));
  expectRefused(await approve('help-desk-another'), 'user "narrow" may not decide on TrainingPlan');
});

it('ignores an approval that is smuggled into the plan itself', async () => {
  const smuggled = edit(waiting, { 'status.approval': decision('editor') });
  const after = expectAccepted(await as('editor', { dryRun: true }).replace(smuggled));
  expect(after['status']).not.toHaveProperty('approval');
});

it('lets an editor choose an alternative before the approval', async () => {
  const select = { spec: { selection: { gpu: 'cloud/H100-SXM-80GB' } } };
  expectAccepted(await as('editor', { dryRun: true }).patch('TrainingPlan', 'help-desk-waiting', select));
});
