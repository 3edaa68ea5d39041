import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { expectAccepted, expectRefused } from '../crds/harness.ts';
import { bind, installRoles, PATIENCE, repositoryPath, usePeople } from './people.ts';

const cluster = useCluster('author');
const as = usePeople(cluster);
const AUTHOR = 'training.kriptik.ai/author';
const goal = (name: string, annotations?: Record<string, string>) => ({
  apiVersion: 'training.kriptik.ai/v1alpha1',
  kind: 'TrainingGoal',
  metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
  spec: { goal: 'Train a help desk assistant.', budget: { limit: '5' } },
});
const annotationsOf = (object: Record<string, unknown>) => (object['metadata'] as { annotations?: object }).annotations;

beforeAll(async () => {
  await installRoles(cluster());
  for (const user of ['alice', 'bob']) await bind(cluster(), user, 'kriptik-editor', ['create', 'traininggoals']);
  await cluster().applyManifests([repositoryPath('webhooks/optional/goal-author.yaml')]);
  await vi.waitFor(async () => {
    const created = expectAccepted(await as('alice', { dryRun: true }).create(goal('probe')));
    expect(annotationsOf(created)).toEqual({ [AUTHOR]: 'alice' });
  }, PATIENCE);
  // The two policies come into force each in its own time.
  expectAccepted(await as('alice').create(goal('watched')));
  await vi.waitFor(async () => {
    const change = { metadata: { annotations: { [AUTHOR]: 'bob' } } };
    expectRefused(await as('bob', { dryRun: true }).patch('TrainingGoal', 'watched', change));
  }, PATIENCE);
});
afterAll(async () => {
  const group = '/apis/admissionregistration.k8s.io/v1';
  for (const plural of [
    'mutatingadmissionpolicybindings',
    'mutatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'validatingadmissionpolicies',
  ]) {
    await cluster().client.call('DELETE', `${group}/${plural}/goal-author.training.kriptik.ai`);
  }
});

it('stamps who writes a goal, beside what they annotate', async () => {
  const created = expectAccepted(await as('alice').create(goal('noted', { team: 'ml' })));
  expect(annotationsOf(created)).toEqual({ team: 'ml', [AUTHOR]: 'alice' });
});

it('overwrites an author that is claimed in a new goal', async () => {
  const created = expectAccepted(await as('bob', { dryRun: true }).create(goal('claimed', { [AUTHOR]: 'alice' })));
  expect(annotationsOf(created)).toEqual({ [AUTHOR]: 'bob' });
});

it('stamps anew who edits the spec, and only then', async () => {
  expectAccepted(await as('alice').create(goal('edited')));
  const labelled = expectAccepted(
    await as('bob').patch('TrainingGoal', 'edited', { metadata: { labels: { a: 'b' } } }),
  );
  expect(annotationsOf(labelled)).toEqual({ [AUTHOR]: 'alice' });
  const edited = expectAccepted(await as('bob').patch('TrainingGoal', 'edited', { spec: { goal: 'Another.' } }));
  expect(annotationsOf(edited)).toEqual({ [AUTHOR]: 'bob' });
});

it('refuses another author without an edit of the spec, and the removal of one', async () => {
  expectAccepted(await as('alice').create(goal('kept')));
  const patch = (author: string | null) =>
    as('bob').patch('TrainingGoal', 'kept', { metadata: { annotations: { [AUTHOR]: author } } });
  expectRefused(await patch('bob'), 'is stamped with the user who writes the spec and cannot be set to "bob"');
  expectRefused(await patch(null), 'leave it out');
});

it('lets the schema speak first about a wrong type', async () => {
  const wrong = { ...goal('typed'), spec: { goal: 'x', budget: { limit: 5 } } };
  expectRefused(await as('alice').create(wrong), 'spec.budget.limit', 'must be of type string');
});
