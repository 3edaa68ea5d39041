import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tile, TrainingJob } from '@kriptik/crds';
import { afterAll, describe, expect, it } from 'vitest';
import { checkSelection, parseChoices } from './choices.ts';
import { ceilingsOf } from './cost/ceilings.ts';
import { goalRows, jobRows, monthRows, namespaceRows, totalOf } from './cost/rows.ts';
import { checkNode } from './doctor/machine.ts';
import { keeperOf } from './managed.ts';
import { kindOf, parseTarget } from './resources.ts';
import { chooseDownload, chooseSaved } from './saved.ts';
import { chooseKubeconfig } from './session.ts';

const home = mkdtempSync(join(tmpdir(), 'kriptik-home-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('chooseKubeconfig', () => {
  it('takes the option, then KUBECONFIG, then ~/.kube/config, and last the one of "up"', () => {
    const host = { env: {}, home, cwd: '/work' };
    expect(chooseKubeconfig({}, host)).toBeUndefined();
    mkdirSync(join(home, '.kriptik'));
    writeFileSync(join(home, '.kriptik', 'kubeconfig'), '');
    expect(chooseKubeconfig({}, host)).toBe(join(home, '.kriptik', 'kubeconfig'));
    expect(chooseKubeconfig({}, { ...host, env: { KUBECONFIG: '/x' } })).toBeUndefined();
    expect(chooseKubeconfig({ kubeconfig: 'mine' }, { ...host, env: { KUBECONFIG: '/x' } })).toBe('/work/mine');
    mkdirSync(join(home, '.kube'));
    writeFileSync(join(home, '.kube', 'config'), '');
    expect(chooseKubeconfig({}, host)).toBeUndefined();
  });
});

describe('targets', () => {
  it.each([
    ['goals', 'traininggoals'],
    ['TG', 'traininggoals'],
    ['TrainingPlan', 'trainingplans'],
    ['cp', 'computeproviders'],
  ])('%s is %s', (word, plural) => {
    expect(kindOf(word).plural).toBe(plural);
  });

  it('reads names with and without a kind', () => {
    expect(parseTarget('helpdesk')).toEqual({ name: 'helpdesk' });
    expect(parseTarget('plan/helpdesk-1').type?.kind).toBe('TrainingPlan');
    expect(() => parseTarget('plan/')).toThrow('does not name an object');
    expect(() => parseTarget('plan/a/b')).toThrow('does not name an object');
  });
});

describe('parseChoices', () => {
  it('reads tiles in any case, several at once, and "default" as taking back', () => {
    expect(parseChoices(['GPU=l4', 'model=a=b', 'data=default'])).toEqual({ gpu: 'l4', model: 'a=b', data: null });
  });

  it.each([[['gpu']], [['gpu=']], [['colour=red']], [['gpu=a', 'gpu=b']]])('refuses %j', (words) => {
    expect(() => parseChoices(words)).toThrow();
  });

  it('lets only what the plan offers through', () => {
    const tiles = [
      {
        name: 'GPU',
        choice: 'cpu',
        alternatives: [
          { id: 'l4', available: true },
          { id: 'h100', available: false, reason: 'none free' },
        ],
      },
    ] as unknown as Tile[];
    expect(() => checkSelection(tiles, { gpu: 'l4' })).not.toThrow();
    expect(() => checkSelection(tiles, { gpu: 'cpu' })).not.toThrow();
    expect(() => checkSelection(tiles, { gpu: null })).not.toThrow();
    expect(() => checkSelection(tiles, { gpu: 'h100' })).toThrow('none free');
    expect(() => checkSelection(tiles, { gpu: 'a100' })).toThrow('no alternative "a100"');
  });
});

describe('keeperOf', () => {
  const object = (metadata: object) => ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x', ...metadata } });
  const applied = (manager: string) => ({
    managedFields: [{ manager, operation: 'Apply', fieldsV1: { 'f:spec': { 'f:budget': {} } } }],
  });

  it.each([
    {
      name: 'Argo CD by label',
      metadata: { labels: { 'argocd.argoproj.io/instance': 'ml' } },
      by: 'Argo CD application ml',
    },
    {
      name: 'Argo CD by annotation',
      metadata: { annotations: { 'argocd.argoproj.io/tracking-id': 'ml:g/K:ns/x' } },
      by: 'Argo CD application ml',
    },
    { name: 'Flux', metadata: { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, by: 'Flux (apps)' },
    {
      name: 'Helm',
      metadata: {
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: { 'meta.helm.sh/release-name': 'r' },
      },
      by: 'Helm release r',
    },
    { name: 'another applier', metadata: applied('argocd-controller'), by: 'the field manager argocd-controller' },
    { name: 'our own apply', metadata: applied('kriptik-cli'), by: 'a file that was applied' },
    {
      name: 'kubectl apply',
      metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
      by: 'a file that was applied',
    },
  ])('recognises $name', ({ metadata, by }) => {
    expect(keeperOf(object(metadata))?.by).toBe(by);
  });

  it('lets an object be changed that nobody keeps, or only the operator touches', () => {
    expect(keeperOf(object({}))).toBeUndefined();
    expect(
      keeperOf(
        object({
          managedFields: [{ manager: 'kriptik-cli', operation: 'Update', fieldsV1: { 'f:spec': { 'f:budget': {} } } }],
        }),
      ),
    ).toBeUndefined();
  });
});

describe('chooseSaved', () => {
  const job = (status: object) =>
    ({ metadata: { name: 'j' }, spec: { goalRef: { name: 'g' } }, status }) as unknown as TrainingJob;
  const checkpoints = [
    { step: 20, uri: 'file:///20', manifestSha256: 'a', verifiedAt: 'x' },
    { step: 40, uri: 'file:///40', manifestSha256: 'b' },
  ];
  const artifacts = [
    { name: 'adapter', uri: 'file:///a', manifestSha256: 'c' },
    { name: 'merged', uri: 'file:///m', manifestSha256: 'd' },
  ];

  it('prefers the merged model, then any artifact, then the newest checkpoint that was verified', () => {
    expect(chooseSaved(job({ artifacts, checkpoints })).name).toBe('merged');
    expect(chooseSaved(job({ artifacts: artifacts.slice(0, 1), checkpoints })).name).toBe('adapter');
    expect(chooseSaved(job({ checkpoints })).name).toBe('checkpoint-20');
    expect(() => chooseSaved(job({}))).toThrow('saved nothing yet');
  });

  it('takes what is asked for, or tells what there is', () => {
    expect(chooseSaved(job({ checkpoints }), { checkpoint: 40 }).uri).toBe('file:///40');
    expect(() => chooseSaved(job({ checkpoints }), { checkpoint: 7 })).toThrow('no checkpoint of step 7');
    expect(() => chooseSaved(job({ artifacts }), { artifact: 'mergd' })).toThrow('no artifact "mergd"');
  });

  it('downloads all artifacts side by side, one that is named alone, and a checkpoint while there are none', () => {
    expect(chooseDownload(job({ artifacts, checkpoints }))).toMatchObject({
      name: 'model',
      parts: [{ folder: 'adapter' }, { folder: 'merged' }],
    });
    expect(chooseDownload(job({ artifacts }), { artifact: 'adapter' })).toMatchObject({
      name: 'adapter',
      parts: [{ folder: '' }],
    });
    expect(chooseDownload(job({ artifacts, checkpoints }), { checkpoint: 40 }).name).toBe('checkpoint-40');
    expect(chooseDownload(job({ checkpoints })).name).toBe('checkpoint-20');
  });
});

describe('the rows of cost', () => {
  it("counts a goal's earlier jobs, and apart from them those that outlived another goal of that name", () => {
    const goal = {
      metadata: { name: 'g', namespace: 'n', uid: '1' },
      spec: {},
      status: { phase: 'Training', jobRef: { name: 'g-2' }, budget: { limit: '5.00' } },
    };
    const job = (name: string, uid: string, spent: string) => ({
      metadata: { name, namespace: 'n' },
      spec: { goalRef: { name: 'g', uid } },
      status: { cost: { spent, compute: spent, storage: '0', platformFee: '0', limit: '6.00', percentUsed: 10 } },
    });
    const rows = goalRows(
      [goal] as never,
      { jobs: [job('g-1', '1', '0.10'), job('g-2', '1', '0.20'), job('g-0', 'old', '9.00')], receipts: [] } as never,
      { now: 0 },
    );
    expect(rows).toMatchObject([
      { goal: 'g', spent: '0.30', limit: '6.00', percentUsed: 10 },
      { goal: 'g', phase: 'Deleted', spent: '9.00' },
    ]);
  });
});

describe('cost, computed to a moment', () => {
  const attempt = { unitPricePerHour: '6.00', createdAt: '2026-10-31T23:00:00Z', state: 'Running' };
  const running = {
    metadata: { name: 'g-1', namespace: 'n', uid: '1', creationTimestamp: '2026-10-31T22:00:00Z' },
    spec: { goalRef: { name: 'g', uid: '1' } },
    status: { attempts: [attempt], cost: { spent: '1.00', limit: '30.00', asOf: '2026-11-01T00:59:00Z' } },
  };
  const spent = { jobs: [running], receipts: [] } as never;
  const now = Date.parse('2026-11-01T01:00:00Z');

  it('goes on where the operator does not write', () => {
    expect(jobRows(spent, { now })).toMatchObject([{ compute: '12.00', platformFee: '1.20', spent: '13.20' }]);
  });

  it('is split at the turn of the month, and adds up', () => {
    const months = monthRows(spent, { now });
    expect(months).toMatchObject([
      { month: '2026-10', spent: '6.60' },
      { month: '2026-11', spent: '6.60' },
    ]);
    expect(totalOf(months).spent).toBe('13.20');
    expect(namespaceRows(spent, { now, month: '2026-11' })).toMatchObject([{ namespace: 'n', spent: '6.60' }]);
  });

  it('tells what a monthly ceiling leaves beside what an open attempt may still spend', () => {
    const policy = { metadata: { name: 'all' }, spec: { ceilings: { perNamespacePerMonth: '100.00' } } };
    expect(ceilingsOf([policy] as never, [], spent, now)).toEqual([
      { namespace: 'n', ceiling: '100.00', policies: ['all'], spent: '6.60', reserved: '16.80', left: '76.60' },
    ]);
  });

  it('keeps what deleted jobs cost, beside the others and under the goal they served', () => {
    const gone = {
      metadata: { name: '0', namespace: 'n' },
      spec: {
        job: { name: 'g-0', uid: '0' },
        goalRef: { name: 'g', uid: '1' },
        months: [
          { month: '2026-10', compute: '2.00', storage: '0.00', platformFee: '0.20' },
          { month: '2026-11', compute: '1.00', storage: '0.00', platformFee: '0.10' },
        ],
      },
    };
    const both = { jobs: [running], receipts: [gone] } as never;
    const goal = { metadata: { name: 'g', namespace: 'n', uid: '1' }, spec: {} };
    expect(jobRows(both, { now })).toMatchObject([
      { job: 'g-1', spent: '13.20' },
      { job: 'g-0', phase: 'Deleted', spent: '3.30' },
    ]);
    expect(goalRows([goal] as never, both, { now })).toMatchObject([{ goal: 'g', spent: '16.50' }]);
    expect(goalRows([], { jobs: [], receipts: [gone] } as never, { now })).toMatchObject([
      { goal: 'g', phase: 'Deleted', spent: '3.30' },
    ]);
    expect(monthRows(both, { now })).toMatchObject([
      { month: '2026-10', spent: '8.80' },
      { month: '2026-11', spent: '7.70' },
    ]);
    const policy = { metadata: { name: 'all' }, spec: { ceilings: { perNamespacePerMonth: '100.00' } } };
    expect(ceilingsOf([policy] as never, [], both, now)).toMatchObject([{ spent: '7.70', left: '75.50' }]);
  });
});

describe('checkNode', () => {
  it.each([
    ['v24.11.0', 'ok'],
    ['v26.0.1', 'ok'],
    ['v20.19.0', 'fail'],
  ])('%s is %s', (version, result) => {
    expect(checkNode(version).result).toBe(result);
  });
});
