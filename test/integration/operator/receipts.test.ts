import { runCli } from '@kriptik/cli/testing.ts';
import {
  TrainingJobResource,
  TrainingPlanResource,
  type TrainingReceipt,
  TrainingReceiptResource,
} from '@kriptik/crds';
import { parseMoney } from '@kriptik/operator/money.ts';
import { isForbidden } from '@kriptik/operator/runtime/errors.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import type { World } from '../../support/world.ts';
import { startCommonWorld } from '../common-world.ts';

const SETTINGS = {
  pollMs: 200,
  progressMs: 300,
  assumedCheckpointMs: 300,
  assumedStartMs: 1_000,
  teardownMs: 4_000,
  killGraceMs: 1_000,
  retryMs: 200,
  waitMs: 500,
};

let world: World;
beforeAll(async () => {
  // A cent every ten seconds: enough to be seen, and far from the limit.
  world = await startCommonWorld({
    settings: SETTINGS,
    trainerArguments: ['--step-ms', '60', '--checkpoint-ms', '30'],
    pricePerHour: '36.00',
  });
  await world.startOperator();
});
afterAll(async () => await world.stop());

const receipts = async (): Promise<TrainingReceipt[]> =>
  (await world.client.resource(TrainingReceiptResource).list({ namespace: world.namespace })).items;

it('a deleted job keeps its bill, and its goal cannot spend that a second time', async () => {
  await world.createGoal('again', { constraints: { maxSteps: 5_000, checkpointEverySteps: 50 } });
  const plan = await world.approve('again');
  const { namespace } = world;
  const job = await waitFor('the job to cost something', async () =>
    (await world.jobs()).find(({ status }) => parseMoney(status?.cost?.spent ?? '0') > 0),
  );
  const editor = await world.person('erin', 'kriptik-editor');
  await editor.resource(TrainingJobResource).delete({ namespace, name: job.metadata.name });
  await waitFor('the job to be gone', async () => ((await world.jobs()).length === 0 ? true : undefined));

  const [receipt] = await receipts();
  expect(receipt?.metadata.name).toBe(job.metadata.uid);
  const spent = parseMoney(receipt?.spec.spent ?? '0');
  expect(spent).toBeGreaterThanOrEqual(parseMoney(job.status?.cost?.spent ?? '0'));
  expect(await world.trainers()).toEqual([]);
  const shown = await waitFor('the goal to show what is gone', async () => {
    const { status } = await world.goal('again');
    return status?.jobRef === undefined && status?.budget?.spent !== undefined ? status.budget : undefined;
  });
  expect(shown).toMatchObject({ limit: '1.00', spent: receipt?.spec.spent });
  const args = ['--kubeconfig', world.controlPlane.kubeconfigPath, '-n', namespace, 'cost', '-o', 'json'];
  const told = JSON.parse((await runCli(args)).out) as { total: { spent: string } };
  expect(told.total.spent).toBe(receipt?.spec.spent);

  // Nobody but a cluster administrator can make it forgotten.
  const key = { namespace, name: job.metadata.uid };
  await expect(editor.resource(TrainingReceiptResource).delete(key)).rejects.toSatisfy(isForbidden);
  const less = { spec: { spent: '0.00', months: [] } };
  await expect(world.client.resource(TrainingReceiptResource).patch(key, less)).rejects.toThrow(/cannot become less/);

  await world.client.resource(TrainingPlanResource).delete({ namespace, name: plan.metadata.name });
  const next = await waitFor('a plan with the rest', async () =>
    (await world.plans()).find(
      ({ metadata, status }) => metadata.uid !== plan.metadata.uid && status?.phase === 'AwaitingApproval',
    ),
  );
  expect(parseMoney(next.status?.quote?.limit ?? '0') + spent).toBe(parseMoney('1.00'));
  await world.approvePlan(next);
  const second = await waitFor('the second job to run', async () =>
    (await world.jobs()).find(({ status }) => status?.attempts?.at(-1)?.state === 'Running'),
  );
  expect(parseMoney(second.status?.cost?.limit ?? '0') + spent).toBe(parseMoney('1.00'));
  const goal = await waitFor('the goal to count both', async () => {
    const { status } = await world.goal('again');
    return parseMoney(status?.budget?.spent ?? '0') > spent ? status?.budget : undefined;
  });
  expect(goal?.limit).toBe('1.00');
});
