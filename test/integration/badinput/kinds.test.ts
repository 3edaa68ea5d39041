import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ROOT, usePlace } from './program.ts';

const place = usePlace();
let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false });
});
afterAll(async () => await controlPlane?.stop());

const env = (): Record<string, string> => ({ KUBECONFIG: controlPlane.kubeconfigPath });
const INSTALL = 'Install them: kubectl apply --server-side -f "crds/*.yaml"';

interface Definition {
  metadata: { name: string };
  spec: { versions: { name: string; schema: { openAPIV3Schema: { properties: Record<string, unknown> } } }[] };
}

/** The definitions of an earlier release: one kind was not there yet, another had no status. */
function earlier(): Definition[] {
  const all = readdirSync(join(ROOT, 'crds'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => parse(readFileSync(join(ROOT, 'crds', name), 'utf8')) as Definition);
  const kept = all.filter(({ metadata }) => !metadata.name.startsWith('trainingpolicies'));
  const goals = kept.find(({ metadata }) => metadata.name.startsWith('traininggoals'));
  const spec = goals?.spec.versions[0]?.schema.openAPIV3Schema.properties['spec'] as {
    properties: Record<string, unknown>;
  };
  delete spec.properties['notify'];
  return kept;
}

describe('a cluster without our kinds', () => {
  const goal = {
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingGoal',
    metadata: { name: 'helpdesk' },
    spec: { goal: 'Train a small assistant that answers like our help desk.', budget: { limit: '1.00' } },
  };

  it.each([
    ['get', 'goals'],
    ['apply', '-f', 'goal.yaml'],
    ['plan', 'helpdesk'],
    ['approve', 'helpdesk'],
    ['watch', 'helpdesk'],
    ['describe', 'helpdesk'],
    ['raise', 'helpdesk', '--by', '1'],
  ])('%s %s: says that they are missing and how to install them', async (...args) => {
    place.write('goal.yaml', stringify(goal));
    const ran = await place.kriptik(args, env());
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(
      'error: this cluster does not serve the kinds of training.kriptik.ai: its CRDs are missing',
    );
    expect(ran.err).toContain(`  where: ${controlPlane.url}\n  fix:   ${INSTALL}\n`);
  });

  it('doctor names each, and the policies, with what installs them', async () => {
    const ran = await place.kriptik(['doctor'], env());
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(
      /FAIL {2}crds +missing: computeproviders\.training\.kriptik\.ai, .*\n +fix: Install them: kubectl apply --server-side --force-conflicts -f "crds\/\*\.yaml"/,
    );
    expect(ran.out).toMatch(
      /FAIL {2}policies +missing: .*\n +fix: Install them: kubectl apply --server-side -f webhooks\//,
    );
    expect(ran.err).toContain('not in order: crds, policies');
  });

  it('the operator does not start, and says what it misses', async () => {
    const ran = await place.operator(env());
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(
      /does not serve traininggoals\.training\.kriptik\.ai, .* in v1alpha1\. Install this release's definitions: kubectl apply -f "crds\/\*\.yaml"\n$/,
    );
  });
});

describe('a cluster with the kinds of an earlier release', () => {
  beforeAll(async () => {
    await controlPlane.applyManifests(earlier() as never);
  });

  it('version counts what differs', async () => {
    const ran = await place.kriptik(['version'], env());
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('crds        2 of 6 are missing or of another release; see "kriptik doctor"');
  });

  it('doctor names what is missing', async () => {
    const ran = await place.kriptik(['doctor'], env());
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/FAIL {2}crds +.*missing: trainingpolicies\.training\.kriptik\.ai/);
    expect(ran.out).toMatch(/of another release: traininggoals\.training\.kriptik\.ai/);
    expect(ran.out).toContain('kubectl apply --server-side --force-conflicts -f "crds/*.yaml"');
  });

  it('the operator names the one kind that is missing', async () => {
    const ran = await place.operator(env());
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('does not serve trainingpolicies.training.kriptik.ai in v1alpha1.');
  });

  it('once installed, everything is in order but the provider', async () => {
    await controlPlane.applyManifests(
      ['crds', 'webhooks', 'config', 'config/rbac'].map((folder) => join(ROOT, folder)),
    );
    const ran = await place.kriptik(['doctor'], env());
    expect(ran.out).toMatch(/ok {4}crds +6 kinds served, equal to this release/);
    expect(ran.out).toMatch(/FAIL {2}providers +there is none\n +fix: Apply a ComputeProvider/);
    expect((await place.kriptik(['version'], env())).out).toContain('crds        those of 0.1.0');
  });
});
