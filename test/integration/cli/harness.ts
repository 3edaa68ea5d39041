import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeHostOptions, type Ran, runCli } from '@kriptik/cli/testing.ts';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { World } from './world.ts';

export interface Bench {
  readonly world: World;
  /** A folder of this test file, removed after it. */
  readonly folder: string;
  /** Runs a command as the administrator, in the namespace of this test file. */
  readonly cli: (args: readonly string[], options?: FakeHostOptions) => Promise<Ran>;
  /** Runs a command as another user. */
  readonly as: (user: string, args: readonly string[], options?: FakeHostOptions) => Promise<Ran>;
  /** Makes a user who holds these ClusterRoles in the namespace of this test file; returns the user's name. */
  readonly user: (name: string, ...roles: string[]) => Promise<string>;
}

/** Call at the top of a test file. The returned function gives the bench inside tests. */
export function useBench(prefix: string): () => Bench {
  const cluster = useCluster(prefix);
  const folder = mkdtempSync(join(tmpdir(), 'kriptik-cli-'));
  const kubeconfigs = new Map<string, string>();
  let bench: Bench | undefined;

  beforeAll(() => {
    const { kubeconfigPath, namespace, createUser, applyManifests } = cluster();
    const run = (path: string, args: readonly string[], options: FakeHostOptions = {}): Promise<Ran> =>
      runCli(['--kubeconfig', path, '-n', namespace, ...args], { cwd: folder, ...options });
    bench = {
      world: new World(kubeconfigPath, namespace),
      folder,
      cli: (args, options) => run(kubeconfigPath, args, options),
      as: (user, args, options) => run(kubeconfigs.get(user) ?? '', args, options),
      user: async (name, ...roles) => {
        const unique = `${name}-${namespace}`;
        const made = await createUser({ name: unique });
        await applyManifests(roles.map((role) => bindingOf(role, made.username, namespace)));
        const path = join(folder, `${name}.kubeconfig`);
        writeFileSync(path, JSON.stringify(made.kubeconfig), { mode: 0o600 });
        kubeconfigs.set(name, path);
        // A binding holds once the API server's own cache has seen it. Every role of ours may read plans.
        await vi.waitFor(async () => expect((await run(path, ['get', 'plans'])).code).toBe(0), { timeout: 60_000 });
        return made.username;
      },
    };
  });
  afterAll(async () => {
    await bench?.world.client.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    if (bench === undefined) throw new Error('the bench is there only inside tests');
    return bench;
  };
}

function bindingOf(role: string, user: string, namespace: string) {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: `${role}-${user}`, namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  };
}
