import type { ChildProcess } from 'node:child_process';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitOf, type HubFixture, startHub } from '../../support/hub.ts';
import { waitFor } from '../../support/wait.ts';
import type { World } from '../../support/world.ts';
import { startCommonWorld } from '../common-world.ts';

const model = 'HuggingFaceTB/SmolLM2-135M-Instruct';
const text = { dtype: 'string', _type: 'Value' };

describe('a plan that rests on the Hub', () => {
  let hub: HubFixture;
  let world: World;
  let operator: ChildProcess;
  const [first, second] = [commitOf('first'), commitOf('second')];

  beforeAll(async () => {
    hub = await startHub();
    hub.models.push({ id: model, commits: [first] });
    hub.datasets.push({
      id: 'acme/faq',
      commits: [first],
      private: true,
      size: { size: { splits: [{ config: 'default', split: 'train', num_rows: 240, num_bytes_memory: 240 * 400 }] } },
      info: { dataset_info: { default: { features: { question: text, answer: text } } } },
    });
    world = await startCommonWorld({
      env: {
        HF_HUB_OFFLINE: '0',
        HF_ENDPOINT: hub.url,
        KRIPTIK_HUB_VIEWER: hub.viewerUrl,
        KRIPTIK_HUB_SECRET: 'kriptik-huggingface',
      },
    });
    await world.client.raw('POST', '/api/v1/namespaces/kriptik-system/secrets', {
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'kriptik-huggingface' },
        stringData: { token: hub.token },
      },
    });
    operator = await world.startOperator();
  });
  afterAll(async () => {
    await world.stop();
    await hub.close();
  });

  const planOf = async (goal: string) => (await world.plans()).find((plan) => plan.spec.goalRef.name === goal);
  const asked = (path: string) => hub.seen.some((request) => request.path.startsWith(path)) || undefined;
  const constraints = { model, maxSteps: 60, checkpointEverySteps: 10 };

  it('is bound to the commits of its model and its private data', async () => {
    await world.createGoal('bound', { constraints, data: [{ uri: 'hf://datasets/acme/faq' }] });
    await world.goalIn('bound', 'AwaitingApproval');
    const plan = await planOf('bound');
    expect(plan?.status?.resolved?.model).toMatchObject({ source: `hf://${model}`, revision: first });
    expect(plan?.status?.resolved?.data[0]).toMatchObject({ revision: first, rowsEstimate: 240 });
    expect(findCondition(plan?.status?.conditions, 'FactsVerified')?.status).toBe('True');
    expect(JSON.stringify(plan)).not.toContain(hub.token);
  });

  it('keeps its digest while it waits, through a push and a restart', async () => {
    const before = (await planOf('bound'))?.status?.digest;
    hub.models.splice(0, 1, { id: model, commits: [second, first] });
    operator.kill('SIGKILL');
    await world.startOperator();
    await world.createGoal('later', { constraints });
    await world.goalIn('later', 'AwaitingApproval');
    expect((await planOf('later'))?.status?.resolved?.model.revision).toBe(second);
    await waitFor('a look at the plan that waits', () => asked(`/api/models/${model}/revision/${first}`));
    expect((await planOf('bound'))?.status?.digest).toBe(before);
  });

  it('names the field of data that does not exist', async () => {
    await world.createGoal('gone', { constraints, data: [{ uri: 'hf://datasets/acme/gone' }] });
    const message = await waitFor('a reason', async () => {
      const ready = findCondition((await planOf('gone'))?.status?.conditions, 'Ready');
      return ready?.reason === 'DataUnreadable' ? ready.message : undefined;
    });
    expect(message).toMatch(/^spec\.data\[0\]\.uri: dataset acme\/gone does not exist on the Hub\. Check the spelling/);
  });
});
