import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { locateProgram } from '@kriptik/tools/controlplane/binaries/resolve.ts';
import { expect, it, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';

const cluster = useCluster('explain');

interface Served {
  readonly components: { readonly schemas: Record<string, { properties?: Record<string, ServedField> }> };
}
interface ServedField {
  readonly description?: string;
  readonly properties?: Record<string, ServedField>;
  readonly items?: ServedField;
}

/** Paths of the fields below that carry no description, which is what `kubectl explain` would show blank. */
function blank(field: ServedField, path: string): string[] {
  const below = Object.entries(field.properties ?? field.items?.properties ?? {});
  return [
    ...(field.description === undefined ? [path] : []),
    ...below.flatMap(([name, child]) => blank(child, `${path}.${name}`)),
  ];
}

it.each(['TrainingGoal', 'TrainingPlan', 'TrainingJob', 'TrainingPolicy', 'ComputeProvider'])(
  'serves a description of every field of %s',
  async (kind) => {
    const read = async () => {
      const path = '/openapi/v3/apis/training.kriptik.ai/v1alpha1';
      const { components } = (await cluster().client.call('GET', path)) as Served;
      return components.schemas[`ai.kriptik.training.v1alpha1.${kind}`]?.properties ?? {};
    };
    await vi.waitFor(async () => expect(Object.keys(await read())).toContain('spec'), {
      timeout: 20_000,
      interval: 100,
    });
    const { spec, status } = await read();
    expect(blank(spec ?? {}, 'spec')).toEqual([]);
    expect(blank(status ?? {}, 'status')).toEqual([]);
  },
);

const explained: readonly (readonly [string, ...string[]])[] = [
  ['tg.spec.budget', 'Spending limit.', 'limit', 'US dollars', '-required-', 'alertAt', 'Percent of the limit'],
  ['tp.status.digest', 'SHA-256 of the canonical JSON (RFC 8785)'],
  ['tj.status.attempts', 'Instances, oldest first', 'goneAt', 'Billing ends'],
  ['tpol.spec.ceilings', 'Most that may be approved', 'perNamespacePerMonth', 'calendar month (UTC)'],
  ['cp.spec.local', 'This machine', 'pricePerHour', 'for example power and wear'],
];

it('reads well in kubectl explain', async () => {
  const kubectl = locateProgram('kubectl', { env: process.env, cache: cacheRoot(process.env) });
  if (kubectl === undefined) {
    console.warn('kubectl was not asked: there is none. Build it with `node tools/controlplane/cli.ts build kubectl`.');
    return;
  }
  for (const [path, ...parts] of explained) {
    const args = ['--kubeconfig', cluster().kubeconfigPath, 'explain', path];
    const { stdout } = await promisify(execFile)(kubectl.path, args);
    const text = stdout.replace(/\s+/g, ' ');
    for (const part of parts) expect.soft(text, path).toContain(part);
  }
});
