import { connect, connectionOf } from '@kriptik/tools/controlplane/cluster/client.ts';
import type { Kubeconfig } from '@kriptik/tools/controlplane/cluster/kubeconfig.ts';
import { beforeAll, expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { expectAccepted, writer } from './harness.ts';
import { validGoal } from './valid.ts';
import { runningStatus, validJob } from './valid-job.ts';
import { approval, pricedStatus, validPlan } from './valid-plan.ts';

const cluster = useCluster('columns');

interface Table {
  readonly columnDefinitions: { name: string; priority: number }[];
  readonly rows: { cells: unknown[] }[];
}

/** What `kubectl get` shows of the only object there is, age left out. */
async function shown(plural: string): Promise<Record<string, unknown>> {
  const connection = connectionOf(cluster().kubeconfig as Kubeconfig);
  const headers = { ...connection.headers, Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const client = connect({ ...connection, headers });
  try {
    const path = `/apis/training.kriptik.ai/v1alpha1/namespaces/${cluster().namespace}/${plural}`;
    // A definition just made answers lists with 429 until its cache is filled.
    const read = async () => {
      const { status, body } = await client.send('GET', path);
      expect(status).toBe(200);
      return body as Table;
    };
    const { columnDefinitions, rows } = await vi.waitFor(read, { timeout: 20_000, interval: 100 });
    const cells = columnDefinitions.map(({ name, priority }, n) => [name, priority, rows[0]?.cells[n]] as const);
    return Object.fromEntries(
      cells.filter(([name, priority]) => priority === 0 && name !== 'Age').map(([name, , cell]) => [name, cell]),
    );
  } finally {
    client.close();
  }
}

beforeAll(async () => {
  const store = writer(cluster().client, cluster().namespace);
  const goal = expectAccepted(await store.create(validGoal()));
  const budget = { limit: '5.00', source: 'spec', spent: '1.10', percentUsed: 22 };
  expectAccepted(await store.replace({ ...goal, status: { phase: 'Training', budget } }, 'status'));
  const plan = expectAccepted(await store.create(validPlan()));
  expectAccepted(await store.replace({ ...plan, status: { ...pricedStatus, phase: 'Approved', approval } }, 'status'));
  const job = expectAccepted(await store.create(validJob()));
  expectAccepted(await store.replace({ ...job, status: runningStatus }, 'status'));
});

it('shows where a goal stands and what it spent', async () => {
  expect(await shown('traininggoals')).toEqual({
    Name: 'help-desk',
    Phase: 'Training',
    Spent: '1.10',
    Budget: '5.00',
    Used: 22,
  });
});

it('shows what a plan chooses, what it costs and who decided', async () => {
  expect(await shown('trainingplans')).toEqual({
    Name: 'help-desk-0123abcd',
    Phase: 'Approved',
    Model: 'SmolLM2 135M Instruct',
    Method: 'lora',
    GPU: 'cpu',
    Cost: '1.331',
    Budget: '5.00',
    'Decided-By': 'alice',
  });
});

it('shows how far a job is and what it spent', async () => {
  expect(await shown('trainingjobs')).toEqual({
    Name: 'help-desk-0123abcd',
    Phase: 'Running',
    Step: 40,
    Loss: '1.8',
    Spent: '1.10',
    Budget: '5.00',
    ETA: 234,
  });
});
