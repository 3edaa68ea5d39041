import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComputeProvider, TrainingGoal } from '@kriptik/crds';
import { loadCatalog } from '@kriptik/operator/catalog/catalog.ts';
import { previewPlan } from '@kriptik/operator/plan/preview.ts';
import { localDataCheck } from '@kriptik/operator/provider/data-check.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { silentHub } from '../../support/silent-hub.ts';
import { expectAccepted, writer } from './harness.ts';
import { validCloud, validProvider } from './valid.ts';
import { validPlan } from './valid-plan.ts';

const cluster = useCluster('planner');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kriptik-planner-'));
  const row = JSON.stringify({ prompt: 'How do I reset my password?', completion: 'Open Settings and choose Reset.' });
  writeFileSync(join(folder, 'faq.jsonl'), `${row}\n`.repeat(200));
});
afterAll(() => rmSync(folder, { recursive: true }));

const providers = () =>
  [validProvider(), validCloud()].map((provider) => ({
    ...provider,
    metadata: { name: provider.metadata.name, uid: provider.metadata.name, generation: 1 },
  })) as ComputeProvider[];

const goals: readonly (readonly [string, TrainingGoal['spec']['constraints'] & object])[] = [
  ['a small model', { model: 'HuggingFaceTB/SmolLM2-135M-Instruct' }],
  ['a small model on a GPU cloud', { model: 'HuggingFaceTB/SmolLM2-135M-Instruct', providers: ['runpod'] }],
  ['all weights of a model', { method: 'full', quality: 'quick' }],
  [
    'a model in shards',
    { model: 'Qwen/Qwen2.5-72B-Instruct', method: 'lora', providers: ['runpod'], maxSteps: 10, maxLength: 256 },
  ],
  ['two hundred steps', { method: 'lora', maxSteps: 200, learningRate: '1e-5', seed: 0 }],
];

it.each(goals)('takes the plan that the planner makes for %s', async (name, constraints) => {
  const goal = {
    metadata: { name: 'help-desk', namespace: 'x', uid: 'x', generation: 1 },
    spec: {
      goal: 'Fine-tune a small language model that answers as our help desk.',
      budget: { limit: '40', currency: 'USD', alertAt: 80, warnAt: 95 },
      data: [{ uri: `file://${folder}/faq.jsonl` }],
      constraints,
    },
  } satisfies Pick<TrainingGoal, 'metadata' | 'spec'>;
  const machine = { cpus: 8, memoryBytes: 32 * 2 ** 30 };
  const market = { catalog: loadCatalog(), machine };
  const now = Date.parse('2026-11-22T10:00:00Z');
  const checkData = localDataCheck(process.env);
  const preview = await previewPlan({
    goal,
    surroundings: () => ({ providers: providers() }),
    policies: [],
    namespaceLabels: {},
    selection: {},
    market,
    hub: silentHub(),
    pin: true,
    checkData,
    now,
  });
  if (!('tiles' in preview)) throw new Error(`no plan was made: ${JSON.stringify(preview)}`);

  const { contract, tiles, resolved, quote, digest } = preview;
  expect(resolved.parallelism === 'sharded').toBe(name.includes('shards'));
  const store = writer(cluster().client, cluster().namespace);
  const spec = { goalRef: { name: 'help-desk', uid: 'x' }, contract };
  const plan = expectAccepted(await store.create({ ...validPlan(`help-desk-${digest.slice(7, 15)}`), spec }));
  const status = { phase: 'AwaitingApproval', tiles, resolved, quote, digest };
  const priced = expectAccepted(await store.replace({ ...plan, status }, 'status'));
  expect(priced['status']).toEqual(status);
});
