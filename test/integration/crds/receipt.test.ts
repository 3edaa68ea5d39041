import type { TrainingReceiptSpec } from '@kriptik/crds';
import { beforeAll, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit, type Json } from './edit.ts';
import { expectAccepted, expectRefused, writer } from './harness.ts';
import { contract } from './valid-plan.ts';

const cluster = useCluster('receipt');
const store = () => writer(cluster().client, cluster().namespace);
const dryRun = () => writer(cluster().client, cluster().namespace, true);

const UID = '0e5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f33';
const MONTH = { month: '2026-11', compute: '1.00', storage: '0.50', platformFee: '0.15' };

/** Of a job that cost something in two months. */
function validReceipt(name = UID) {
  return {
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingReceipt',
    metadata: { name },
    spec: {
      job: { name: 'help-desk-0123abcd', uid: UID },
      goalRef: { name: 'help-desk', uid: '5d5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f11' },
      planRef: { name: 'help-desk-0123abcd', uid: '0e5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f22' },
      work: contract.inputHash,
      spent: '3.30',
      until: '2026-11-22T12:00:00Z',
      months: [{ ...MONTH, month: '2026-10' }, MONTH],
    } satisfies TrainingReceiptSpec,
  };
}

let kept: Json = {};
beforeAll(async () => {
  kept = expectAccepted(await store().create(validReceipt()));
});

const bad: readonly (readonly [string, Changes, ...string[]])[] = [
  ['nothing', { spec: undefined }, 'spec: Required value'],
  ['no job', { 'spec.job': undefined }, 'spec.job: Required value'],
  ['a job without a uid', { 'spec.job.uid': undefined }, 'spec.job.uid: Required value'],
  ['a job with an empty uid', { 'spec.job.uid': '' }, 'spec.job.uid', 'at least 1 chars long'],
  ['a job with a name that is none', { 'spec.job.name': 'Help Desk' }, 'spec.job.name', 'should match'],
  ['no goal', { 'spec.goalRef': undefined }, 'spec.goalRef: Required value'],
  ['a goal that is a text', { 'spec.goalRef': 'help-desk' }, 'spec.goalRef', 'must be of type object'],
  ['a goal with a name that is too long', { 'spec.goalRef.name': 'a'.repeat(64) }, 'spec.goalRef.name', '63'],
  ['no plan', { 'spec.planRef': undefined }, 'spec.planRef: Required value'],
  ['a plan with a uid that is too long', { 'spec.planRef.uid': 'a'.repeat(65) }, 'spec.planRef.uid', '64'],
  ['no work', { 'spec.work': undefined }, 'spec.work: Required value'],
  ['a hash without its kind', { 'spec.work': 'a'.repeat(64) }, 'spec.work', 'should match'],
  ['a hash that is too short', { 'spec.work': 'sha256:abc' }, 'spec.work', 'should match'],
  ['no sum', { 'spec.spent': undefined }, 'spec.spent: Required value'],
  ['a sum that is a number', { 'spec.spent': 3.3 }, 'spec.spent', 'must be of type string'],
  ['a sum below zero', { 'spec.spent': '-1.00' }, 'spec.spent', 'should match'],
  ['a sum with a currency', { 'spec.spent': '$3.30' }, 'spec.spent', 'should match'],
  ['a sum finer than a micro-dollar', { 'spec.spent': '3.1234567' }, 'spec.spent', 'should match'],
  ['a sum of more than a thousand million', { 'spec.spent': '1000000000.00' }, 'spec.spent', 'should match'],
  ['no end', { 'spec.until': undefined }, 'spec.until: Required value'],
  ['an end that is no time', { 'spec.until': 'yesterday' }, 'spec.until', 'date-time'],
  ['an empty attempt', { 'spec.abandoned': '' }, 'spec.abandoned', 'at least 1 chars long'],
  ['an attempt with a name that is too long', { 'spec.abandoned': 'a'.repeat(64) }, 'spec.abandoned', '63'],
  ['no months', { 'spec.months': undefined }, 'spec.months: Required value'],
  ['a month twice', { 'spec.months[2]': MONTH }, 'spec.months[2]: Duplicate value'],
  ['a month without a fee', { 'spec.months[0].platformFee': undefined }, 'spec.months[0].platformFee: Required value'],
  ['a thirteenth month', { 'spec.months[0].month': '2026-13' }, 'spec.months[0].month', 'should match'],
  ['a day in the place of a month', { 'spec.months[0].month': '2026-11-22' }, 'spec.months[0].month'],
  ['compute below zero', { 'spec.months[0].compute': '-1' }, 'spec.months[0].compute', 'should match'],
  ['storage that is a number', { 'spec.months[0].storage': 1 }, 'spec.months[0].storage', 'must be of type string'],
  [
    'more months than are listed',
    { 'spec.months': Array.from({ length: 65 }, (_, index) => ({ ...MONTH, month: monthAt(index) })) },
    'spec.months',
    '64',
  ],
  ['a field that is not known', { 'spec.refund': '1.00' }, 'unknown field "spec.refund"'],
];

for (const [name, changes, ...parts] of bad) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().create(edit(validReceipt('other'), changes)), ...parts);
  });
}

const badEdits: readonly (readonly [string, Changes, ...string[]])[] = [
  ['a lower sum', { 'spec.spent': '3.29' }, 'spec.spent', 'cannot become less'],
  ['another job', { 'spec.job.uid': 'other' }, 'stays that of its job'],
  ['another goal', { 'spec.goalRef.uid': 'other' }, 'stays that of its job'],
  ['other work', { 'spec.work': `sha256:${'0'.repeat(64)}` }, 'stays that of its job'],
];

for (const [name, changes, ...parts] of badEdits) {
  it(`refuses ${name} in an edit`, async () => {
    expectRefused(await dryRun().replace(edit(kept, changes)), ...parts);
  });
}

it('takes a higher sum, and the attempt that was let go', async () => {
  const changes = { 'spec.spent': '5.00', 'spec.abandoned': 'kriptik-0e5a1c3e-2', 'spec.months': [] };
  expectAccepted(await dryRun().replace(edit(kept, changes)));
});

function monthAt(index: number): string {
  return `${2020 + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
}
