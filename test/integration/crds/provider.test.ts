import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit } from './edit.ts';
import { expectAccepted, expectRefused, writer } from './harness.ts';
import { validCloud, validProvider } from './valid.ts';

const cluster = useCluster('provider');
const dryRun = () => writer(cluster().client, cluster().namespace, true);

const nodes: Changes = {
  spec: {
    type: 'kubernetes',
    prices: { source: 'declared', declared: [{ gpu: 'H100-SXM-80GB', pricePerHour: '2' }] },
    store: { uri: 's3://models/kriptik', endpoint: 'http://minio.store:9000', pricePerGiBMonth: '0.023' },
    kubernetes: {
      namespace: 'training',
      image: `registry.example/trainer@sha256:${'a'.repeat(64)}`,
      queueName: 'gpus',
      runtimeClassName: 'nvidia',
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }],
      volumes: [{ name: 'models', mountPath: '/models', claimName: 'models' }],
    },
  },
};

const good: readonly (readonly [string, Changes])[] = [
  ['a machine with nothing but a price', { spec: { type: 'local', local: { pricePerHour: '0.05' } } }],
  ['a machine without a GPU', { 'spec.local': { gpu: 'cpu', gpuCount: 0, pricePerHour: '1' } }],
  ['the nodes of a cluster with declared prices', nodes],
  [
    'Modal',
    {
      spec: { type: 'modal', credentialsRef: { name: 'a', namespace: 'b' }, modal: { app: 'x', environment: 'main' } },
    },
  ],
  [
    'Hugging Face',
    {
      spec: { type: 'huggingface', credentialsRef: { name: 'a', namespace: 'b' }, huggingface: { namespace: 'acme' } },
    },
  ],
  ['RunPod without a block of its own', { spec: { type: 'runpod', credentialsRef: { name: 'a', namespace: 'b' } } }],
];

it.each(good)('takes %s', async (_name, changes) => {
  expectAccepted(await dryRun().create(edit(validProvider(), changes)));
});

const bad: readonly (readonly [string, Changes, ...string[]])[] = [
  ['no type', { 'spec.type': undefined }, 'spec.type: Required value'],
  ['an unknown type', { 'spec.type': 'mainframe' }, 'spec.type: Unsupported value: "mainframe"'],
  [
    'a machine without a price',
    { 'spec.local': undefined },
    'spec.local: Required value',
    'say what an hour of this machine costs',
  ],
  [
    'a machine whose price is left out',
    { 'spec.local.pricePerHour': undefined },
    'spec.local.pricePerHour: Required value',
  ],
  ['a machine that is free', { 'spec.local.pricePerHour': '0' }, 'spec.local.pricePerHour', 'above 0'],
  [
    'credentials for this machine',
    { 'spec.credentialsRef': { name: 'a', namespace: 'b' } },
    'spec.credentialsRef: Forbidden',
    'type local needs no credentials',
  ],
  [
    'the block of another type',
    { 'spec.runpod': {} },
    'spec.runpod: Forbidden',
    'runpod is for type runpod, but type is local',
  ],
  [
    'a number of GPUs of no type',
    { 'spec.local.gpu': undefined },
    'spec.local.gpuCount',
    'set gpu, or remove gpuCount',
  ],
  ['GPUs on a machine without', { 'spec.local.gpu': 'cpu' }, 'spec.local.gpuCount', 'needs the type of the GPUs'],
  ['a relative folder', { 'spec.local.workDir': 'work' }, 'spec.local.workDir', 'an absolute path'],
  ['a folder that climbs', { 'spec.local.workDir': '/var/../etc' }, 'spec.local.workDir', 'without ".."'],
  ['memory in words', { 'spec.local.resources.maxMemory': 'plenty' }, 'spec.local.resources.maxMemory', 'such as 8Gi'],
  ['no memory', { 'spec.local.resources.maxMemory': '0' }, 'spec.local.resources.maxMemory', 'above 0'],
  [
    'a priority above normal',
    { 'spec.local.resources.niceness': -5 },
    'spec.local.resources.niceness',
    'greater than or equal to 0',
  ],
  ['no instances at all', { 'spec.limits.maxInstances': 0 }, 'spec.limits.maxInstances', 'greater than or equal to 1'],
  ['a price limit of zero', { 'spec.limits.maxPricePerHour': '0' }, 'spec.limits.maxPricePerHour', 'above 0'],
  [
    'declared prices without any',
    { 'spec.prices': { source: 'declared' } },
    'spec.prices.declared: Required value',
    'at least one entry',
  ],
  [
    'declared prices that the catalog overrides',
    { 'spec.prices': { source: 'catalog', declared: [{ gpu: 'cpu', pricePerHour: '1' }] } },
    'spec.prices.declared: Forbidden',
    'change source or remove declared',
  ],
  [
    'two prices of one GPU',
    {
      'spec.prices': {
        source: 'declared',
        declared: [
          { gpu: 'cpu', pricePerHour: '1' },
          { gpu: 'cpu', pricePerHour: '2' },
        ],
      },
    },
    'spec.prices.declared[1]: Duplicate value',
  ],
  [
    'a price without its day in order',
    { 'spec.prices': { source: 'declared', declared: [{ gpu: 'cpu', pricePerHour: '1', asOf: '22.11.26' }] } },
    'spec.prices.declared[0].asOf',
  ],
  [
    'nodes without a price',
    { ...nodes, 'spec.prices': undefined },
    'spec.prices: Required value',
    'the GPUs of a cluster have no list price',
  ],
  ['a name too long for a label', { 'metadata.name': 'a'.repeat(64) }, 'at most 63 characters'],
];

for (const [name, changes, ...parts] of bad) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().create(edit(validProvider(), changes)), ...parts);
  });
}

it.each(['runpod', 'modal', 'huggingface'])('refuses %s without credentials', async (type) => {
  const provider = edit(validCloud(), { spec: { type } });
  expectRefused(
    await dryRun().create(provider),
    'spec.credentialsRef: Required value',
    `type ${type} needs credentials`,
  );
});

it('refuses credentials of no namespace', async () => {
  const provider = edit(validCloud(), { 'spec.credentialsRef.namespace': undefined });
  expectRefused(await dryRun().create(provider), 'spec.credentialsRef.namespace: Required value');
});

const name = `here-${randomBytes(4).toString('hex')}`;
const store = () => writer(cluster().client, cluster().namespace);
beforeAll(async () => {
  expectAccepted(await store().create(validProvider(name)));
});
afterAll(async () => {
  await store().remove('ComputeProvider', name);
});

it('keeps the type for good', async () => {
  const stored = await store().get('ComputeProvider', name);
  const spec = validCloud().spec;
  expectRefused(await dryRun().replace(edit(stored, { spec })), 'spec.type: Forbidden', 'type cannot change');
});

const machine: Changes = { spec: { type: 'local', local: { pricePerHour: '1', workDir: '/srv/kriptik' } } };
const kept: readonly (readonly [what: string, path: string, other: string, provider: Changes, harmless: Changes])[] = [
  ['namespace of pods', 'spec.kubernetes.namespace', 'elsewhere', nodes, { 'spec.kubernetes.queueName': 'others' }],
  [
    'folder of attempts and checkpoints',
    'spec.local.workDir',
    '/srv/elsewhere',
    machine,
    { 'spec.local.pricePerHour': '2' },
  ],
];

it.each(kept)(
  'keeps the %s for good: trainers of the old one would run on unseen',
  async (_, path, other, provider, harmless) => {
    const its = `kept-${randomBytes(4).toString('hex')}`;
    const stored = expectAccepted(await store().create(edit(validProvider(its), provider)));
    for (const value of [other, undefined]) {
      const changed = await dryRun().replace(edit(stored, { [path]: value }));
      expectRefused(changed, `${path}: Forbidden`, `${path.split('.').at(-1)} cannot change`);
    }
    expectAccepted(await dryRun().replace(edit(stored, harmless)));
    await store().remove('ComputeProvider', its);
  },
);
