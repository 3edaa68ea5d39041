import { beforeAll, describe, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import type { Json } from '../crds/edit.ts';
import { expectAccepted, expectRefused } from '../crds/harness.ts';
import { almostEverything, bind, grant, installRoles, PATIENCE, usePeople } from './people.ts';

const cluster = useCluster('budget');
const as = usePeople(cluster);
const goal = (name: string, spec: Json) => ({
  apiVersion: 'training.kriptik.ai/v1alpha1',
  kind: 'TrainingGoal',
  metadata: { name },
  spec: { goal: 'Train a help desk assistant.', ...spec },
});

beforeAll(async () => {
  await installRoles(cluster());
  await bind(cluster(), 'editor', 'kriptik-editor', ['create', 'traininggoals']);
  await bind(cluster(), 'owner', 'kriptik-budget-owner', ['raise', 'trainingbudgets']);
  await bind(cluster(), 'viewer', 'kriptik-viewer', ['get', 'traininggoals']);
  expectAccepted(await as('editor').create(goal('five', { budget: { limit: '5.00' } })));
  expectAccepted(await as('editor').create(goal('none', {})));
  await vi.waitFor(
    async () =>
      expectRefused(
        await as('editor', { dryRun: true }).patch('TrainingGoal', 'five', { spec: { budget: { limit: '6' } } }),
        'verb "raise"',
      ),
    PATIENCE,
  );
});

const free: readonly (readonly [string, string, Json])[] = [
  ['lowers the limit', 'five', { budget: { limit: '4.999999' } }],
  ['writes the same limit another way', 'five', { budget: { limit: '5' } }],
  ['moves the alert and the warning', 'five', { budget: { alertAt: 50, warnAt: 60 } }],
  ['changes the text', 'five', { goal: 'Train a better help desk assistant.' }],
  ['suspends the goal', 'five', { suspend: true }],
  ['edits a goal without a budget', 'none', { suspend: true }],
];

const raises: readonly (readonly [string, string, Json, ...string[]])[] = [
  ['raises the limit by a millionth', 'five', { budget: { limit: '5.000001' } }, 'from 5.00 USD to 5.000001 USD'],
  [
    'raises the limit a hundredfold',
    'five',
    { budget: { limit: '500' } },
    'needs the verb "raise" on trainingbudgets.training.kriptik.ai',
    '--clusterrole=kriptik-budget-owner --user=editor',
  ],
  ['raises the limit and changes the text at once', 'five', { budget: { limit: '50' }, goal: 'x' }, 'verb "raise"'],
  ['sets a limit where the text decided', 'none', { budget: { limit: '0.01' } }, 'from what the text says to 0.01 USD'],
  ['removes the limit so that the text decides', 'five', { budget: null }, 'from 5.00 USD to what the text says'],
];

describe('an editor', () => {
  it.each(free)('%s', async (_name, target, spec) => {
    expectAccepted(await as('editor', { dryRun: true }).patch('TrainingGoal', target, { spec }));
  });

  for (const [name, target, spec, ...parts] of raises) {
    it(`is stopped who ${name}`, async () => {
      expectRefused(await as('editor', { dryRun: true }).patch('TrainingGoal', target, { spec }), ...parts);
    });
  }

  it('writes a new goal with any budget, since its plan needs an approval', async () => {
    expectAccepted(await as('editor', { dryRun: true }).create(goal('rich', { budget: { limit: '9999' } })));
  });
});

describe('a budget owner', () => {
  for (const [name, target, spec] of raises) {
    it(name, async () => {
      expectAccepted(await as('owner', { dryRun: true }).patch('TrainingGoal', target, { spec }));
    });
  }

  it('raises what is then the limit', async () => {
    expectAccepted(await as('editor').create(goal('raised', { budget: { limit: '1' } })));
    const after = expectAccepted(
      await as('owner').patch('TrainingGoal', 'raised', { spec: { budget: { limit: '2' } } }),
    );
    expect(after['spec']).toMatchObject({ budget: { limit: '2', currency: 'USD' } });
  });
});

it('honours the verb for one goal only', async () => {
  await grant(cluster(), 'narrow', [
    { ...almostEverything, verbs: ['raise'], resources: ['trainingbudgets'], resourceNames: ['none'] },
    { ...almostEverything, verbs: ['get', 'patch'], resources: ['traininggoals'] },
  ]);
  const raise = (name: string) =>
    as('narrow', { dryRun: true }).patch('TrainingGoal', name, { spec: { budget: { limit: '9' } } });
  expectAccepted(await raise('none'));
  expectRefused(await raise('five'), 'verb "raise"');
});

it('stops a viewer by RBAC alone', async () => {
  const outcome = await as('viewer').patch('TrainingGoal', 'five', { spec: { budget: { limit: '1' } } });
  expectRefused(outcome, 'cannot patch resource "traininggoals"');
});
