import { beforeAll, expect, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit, type Json } from './edit.ts';
import { expectAccepted, expectRefused, writer } from './harness.ts';
import { runningStatus, validJob } from './valid-job.ts';
import { otherDigest } from './valid-plan.ts';

const cluster = useCluster('job');
const store = () => writer(cluster().client, cluster().namespace);
const dryRun = () => writer(cluster().client, cluster().namespace, true);

let running: Json = {};
beforeAll(async () => {
  const created = expectAccepted(await store().create(validJob()));
  running = expectAccepted(await store().replace({ ...created, status: runningStatus }, 'status'));
});

const badSpecs: readonly (readonly [string, Changes, ...string[]])[] = [
  ['a job without a plan', { 'spec.planRef': undefined }, 'spec.planRef: Required value'],
  [
    'a job that is not named after its plan',
    { 'metadata.name': 'other' },
    'spec.planRef.name',
    'a job has the name of its plan: help-desk-0123abcd',
  ],
  ['a job without the digest of its plan', { 'spec.planRef.digest': undefined }, 'spec.planRef.digest: Required value'],
  ['a digest that is none', { 'spec.planRef.digest': 'abc' }, 'spec.planRef.digest', 'should match'],
  ['a job without a run', { 'spec.run': undefined }, 'spec.run: Required value'],
  ['two instances', { 'spec.replicas': 2 }, 'spec.replicas', 'less than or equal to 1'],
  ['minus one instance', { 'spec.replicas': -1 }, 'spec.replicas', 'greater than or equal to 0'],
  ['a token in the run', { 'spec.run.resolved.token': 'x' }, 'unknown field "spec.run.resolved.token"'],
];

const checkpoint = {
  provider: 'here',
  jobUid: '5d5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f44',
  step: 80,
  uri: 'file:///jobs/a/checkpoints/step-00000080',
  manifestSha256: 'a'.repeat(64),
  sizeBytes: 1024,
  createdAt: '2026-11-22T12:00:00Z',
  attempt: 'kriptik-5d5a1c3e-1',
};
const continues = {
  job: { name: 'help-desk-4567cdef', uid: checkpoint.jobUid },
  agreed: '1.00',
  spent: '1.10',
  checkpoint,
};
const begun = (changes: Changes): Changes => ({ 'spec.continues': continues, ...changes });

const badBeginnings: readonly (readonly [string, Changes, ...string[]])[] = [
  ['without a provider', { 'spec.continues.checkpoint.provider': undefined }, 'checkpoint.provider: Required value'],
  ['without its job', { 'spec.continues.checkpoint.jobUid': undefined }, 'checkpoint.jobUid: Required value'],
  ['of step 0', { 'spec.continues.checkpoint.step': 0 }, 'checkpoint.step', 'greater than or equal to 1'],
  ['nowhere', { 'spec.continues.checkpoint.uri': '' }, 'checkpoint.uri', 'at least 1 chars long'],
  ['with no hash', { 'spec.continues.checkpoint.manifestSha256': 'abc' }, 'checkpoint.manifestSha256', 'should match'],
  [
    'below no size',
    { 'spec.continues.checkpoint.sizeBytes': -1 },
    'checkpoint.sizeBytes',
    'greater than or equal to 0',
  ],
  ['of no time', { 'spec.continues.checkpoint.createdAt': 'now' }, 'checkpoint.createdAt', 'date-time'],
];

for (const [name, changes, ...parts] of badBeginnings) {
  it(`refuses to begin with a checkpoint ${name}`, async () => {
    const base = edit(validJob('help-desk-0123abcd'), begun({}));
    expectRefused(await dryRun().create(edit(base, changes)), ...parts);
  });
}

const start = { from: 'Checkpoint', step: 80, lastStep: 300, reason: 'the newest verified checkpoint' };
const badStarts: readonly (readonly [string, Changes, ...string[]])[] = [
  ['that is none', { from: 'Nowhere' }, 'start.from: Unsupported value'],
  ['without a reason', { reason: '' }, 'start.reason', 'at least 1 chars long'],
  ['before step 0', { step: -1 }, 'start.step', 'greater than or equal to 0'],
  ['of a run without steps', { lastStep: 0 }, 'start.lastStep', 'greater than or equal to 1'],
  ['that is sound until before it began', { soundUntil: -1 }, 'start.soundUntil', 'greater than or equal to 0'],
];

for (const [name, changes, ...parts] of badStarts) {
  it(`refuses a start ${name}`, async () => {
    const changed = { 'spec.run.resolved.start': { ...start, ...changes } };
    expectRefused(await dryRun().create(edit(validJob('help-desk-0123abcd'), changed)), ...parts);
  });
}

for (const [name, changes, ...parts] of badSpecs) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().create(edit(validJob('help-desk-0123abcd'), changes)), ...parts);
  });
}

const badEdits: readonly (readonly [string, Changes, ...string[]])[] = [
  [
    'another hyperparameter',
    { 'spec.run.resolved.hyperparameters.epochs': 30 },
    'spec.run: Forbidden',
    'frozen copy of the approved plan',
  ],
  [
    'a higher limit',
    { 'spec.run.quote.limit': '500' },
    'spec.run: Forbidden',
    'change the TrainingGoal for a new plan',
  ],
  ['shards in the place of copies', { 'spec.run.resolved.parallelism': 'sharded' }, 'spec.run: Forbidden'],
  ['another provider', { 'spec.run.resolved.compute.provider': 'cloud' }, 'spec.run: Forbidden'],
  [
    'another plan',
    { 'spec.planRef.digest': otherDigest },
    'spec.planRef: Forbidden',
    'a job runs exactly the plan that was approved',
  ],
  ['another goal', { 'spec.goalRef.name': 'other' }, 'spec.goalRef: Forbidden', 'a job belongs to one goal for good'],
];

for (const [name, changes, ...parts] of badEdits) {
  it(`refuses ${name} in an edit`, async () => {
    expectRefused(await dryRun().replace(edit(running, changes)), ...parts);
  });
}

const attempt = (number: number, changes: Json = {}): Json => ({
  number,
  name: `kriptik-0e5a1c3e-${number}`,
  provider: 'here',
  unitPricePerHour: '6.00',
  createdAt: '2026-11-22T12:00:00Z',
  state: 'Creating',
  resumedFromStep: 20,
  ...changes,
});
const goneSecond: Changes = { 'status.attempts[1].state': 'Gone', 'status.attempts[1].goneAt': '2026-11-22T11:30:00Z' };

const badStatuses: readonly (readonly [string, Changes, ...string[]])[] = [
  ['two live attempts', { 'status.attempts[2]': attempt(3) }, 'status.attempts', 'at most one live attempt'],
  ['an attempt twice', { ...goneSecond, 'status.attempts[2]': attempt(2) }, 'status.attempts[2]: Duplicate value'],
  [
    'attempts out of order',
    {
      ...goneSecond,
      'status.attempts': [
        attempt(3),
        ...(runningStatus.attempts ?? []).slice(0, 1),
        { ...runningStatus.attempts?.[1], state: 'Gone', goneAt: '2026-11-22T11:30:00Z' },
      ],
    },
    'status.attempts',
    'attempt numbers must increase',
  ],
  [
    'an attempt zero',
    { ...goneSecond, 'status.attempts[2]': attempt(0) },
    'status.attempts[2].number',
    'greater than or equal to 1',
  ],
  [
    'an attempt at a provider that was not approved',
    { ...goneSecond, 'status.attempts[2]': attempt(3, { provider: 'moon' }) },
    'status.attempts: Forbidden',
    'a provider of the approved order',
  ],
  [
    'an attempt above the approved price',
    { ...goneSecond, 'status.attempts[2]': attempt(3, { unitPricePerHour: '6.01' }) },
    'status.attempts: Forbidden',
    'ask for a new approval',
  ],
  [
    'gone without a time',
    { 'status.attempts[1].state': 'Gone' },
    'status.attempts[1].goneAt',
    'Gone exactly when goneAt says',
  ],
  [
    'a time of absence of a live attempt',
    { 'status.attempts[1].goneAt': '2026-11-22T11:30:00Z' },
    'status.attempts[1].goneAt',
    'Gone exactly when',
  ],
  [
    'gone before it was created',
    { ...goneSecond, 'status.attempts[1].goneAt': '2026-11-22T10:59:59Z' },
    'status.attempts[1].goneAt',
    'may not lie before createdAt',
  ],
  [
    'an attempt made cheaper afterwards',
    { 'status.attempts[0].unitPricePerHour': '0.01' },
    'status.attempts[0]: Forbidden',
    'are written once: they are what is billed',
  ],
  [
    'an attempt created later afterwards',
    { 'status.attempts[0].createdAt': '2026-11-22T10:05:00Z' },
    'status.attempts[0]: Forbidden',
    'written once',
  ],
  [
    'a forgotten attempt',
    { 'status.attempts': (runningStatus.attempts ?? []).slice(1) },
    'status.attempts: Forbidden',
    'cannot be dropped',
  ],
  ['no status at all', { status: undefined }, 'status.attempts: Forbidden', 'fold the oldest into attemptsFolded'],
  [
    'an unknown outcome',
    { 'status.attempts[0].outcome': 'Eaten' },
    'status.attempts[0].outcome: Unsupported value: "Eaten"',
  ],
  ['two instances', { 'status.replicas': 2 }, 'status.replicas', 'less than or equal to 1'],
  [
    'storage that cost less than before',
    { 'status.storage.accrued': '0.00' },
    'status.storage.accrued: Forbidden',
    'what storage has cost never becomes less',
  ],
  ['six measured saves', { 'status.timings.0.checkpointSeconds': ['1', '2', '3', '4', '5', '6'] }, 'checkpointSeconds'],
  ['more than all steps', { 'status.progress.percent': 101 }, 'status.progress.percent', 'less than or equal to 100'],
  [
    'a loss curve that never ends',
    { 'status.progress.lossHistory': Array.from({ length: 41 }, () => '1') },
    'status.progress.lossHistory: Too many: 41',
  ],
  ['a spend below zero', { 'status.cost.spent': '-1' }, 'status.cost.spent', 'should match'],
  ['a freeze without a reason', { 'status.freeze.reason': undefined }, 'status.freeze.reason: Required value'],
  [
    'a checkpoint without its hash',
    { 'status.checkpoints[0].manifestSha256': undefined },
    'status.checkpoints[0].manifestSha256: Required value',
  ],
  [
    'an artifact twice',
    { 'status.artifacts[1]': runningStatus.artifacts?.[0] },
    'status.artifacts[1]: Duplicate value',
  ],
  [
    'a finding without a remedy',
    { 'status.diagnosis[0].remedy': '' },
    'status.diagnosis[0].remedy',
    'at least 1 chars',
  ],
];

for (const [name, changes, ...parts] of badStatuses) {
  it(`refuses ${name} in a status`, async () => {
    expectRefused(await dryRun().replace(edit(running, changes), 'status'), ...parts);
  });
}

const goodStatuses: readonly (readonly [string, Changes])[] = [
  ['a third attempt once the second is gone', { ...goneSecond, 'status.attempts[2]': attempt(3) }],
  [
    'an attempt at the second provider of the order',
    { ...goneSecond, 'status.attempts[2]': attempt(3, { provider: 'cloud', unitPricePerHour: '2.50' }) },
  ],
  [
    'the oldest attempt folded',
    { 'status.attempts': (runningStatus.attempts ?? []).slice(1), 'status.attemptsFolded': { count: 1, cost: '1.00' } },
  ],
  ['a spend above the limit, so that it is told', { 'status.cost.spent': '9.99', 'status.cost.percentUsed': 200 }],
];

it.each(goodStatuses)('takes %s', async (_name, changes) => {
  expectAccepted(await dryRun().replace(edit(running, changes), 'status'));
});

// The Scale object leaves out a zero.
it('is paused through the scale subresource', async () => {
  const scale = expectAccepted(
    await dryRun().patch('TrainingJob', 'help-desk-0123abcd', { spec: { replicas: 0 } }, 'scale'),
  );
  expect(scale).toMatchObject({
    kind: 'Scale',
    spec: {},
    status: { replicas: 1, selector: 'training.kriptik.ai/job=help-desk-0123abcd' },
  });
});

it('is not scaled out', async () => {
  const outcome = await dryRun().patch('TrainingJob', 'help-desk-0123abcd', { spec: { replicas: 2 } }, 'scale');
  expectRefused(outcome, 'spec.replicas', 'less than or equal to 1');
});

it('is ended for good through its spec, and stays ended', async () => {
  const name = 'help-desk-0123abcd';
  const ended = edit(running, { 'spec.terminate': true });
  expectAccepted(await dryRun().replace(ended));
  const stored = expectAccepted(await store().patch('TrainingJob', name, { spec: { terminate: true } }));
  expect(stored['spec']).toMatchObject({ terminate: true });
  for (const terminate of [false, null]) {
    const outcome = await dryRun().patch('TrainingJob', name, { spec: { terminate } });
    expectRefused(outcome, 'spec.terminate: Forbidden', 'a terminated job stays terminated');
  }
});
