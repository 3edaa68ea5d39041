import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { stderrProgress } from '@kriptik/tools/controlplane/binaries/progress.ts';
import { locateProgram, resolvePrograms } from '@kriptik/tools/controlplane/binaries/resolve.ts';
import type { KubeClient } from '@kriptik/tools/controlplane/cluster/client.ts';
import type { KubeObject } from '@kriptik/tools/controlplane/cluster/resources.ts';
import { freePorts } from '@kriptik/tools/controlplane/ports.ts';
import { createRunDirectory, defaultRunRoot } from '@kriptik/tools/controlplane/processes/rundir.ts';
import { supervise } from '@kriptik/tools/controlplane/processes/supervised.ts';
import { endRecorded } from '@kriptik/tools/controlplane/processes/sweep.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { waitFor } from './wait.ts';

const NAMESPACE = 'kueue-system';
/** Kueue's manager calls the API server as this user, with the rights that its own manifests give it. */
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:kueue-controller-manager`;
const WEBHOOK_SERVICE = 'kueue-webhook-service';
const CERTIFICATE = `/api/v1/namespaces/${NAMESPACE}/secrets/kueue-webhook-server-cert`;

/** Where a cluster would run its manager, which is a process here, or what is not needed without a pod. */
const LEFT_OUT = new Set([
  'Deployment',
  'Service',
  'ConfigMap',
  'APIService',
  'FlowSchema',
  'PriorityLevelConfiguration',
]);

/** Kueue itself, installed on a control plane of our own. */
export interface Kueue {
  /** Ends its manager at once, as a crash does; what it installed stays, its webhooks too. */
  down(): Promise<void>;
  /** Starts the manager and waits until it answers. */
  up(): Promise<void>;
  stop(): Promise<void>;
}

/** Why {@link startKueue} should not be waited for here; undefined where it is built, or a build is asked for. */
export function kueueUnavailable(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const there = locateProgram('kueue', { env, cache: cacheRoot(env) }) !== undefined;
  if (there || env['KUEUE'] === '1') return undefined;
  return 'Kueue is not built: `node tools/controlplane/cli.ts build --for kueue` does it once, or set KUEUE=1';
}

/**
 * Installs Kueue as its own manifests do, certificates and webhooks included, and runs its manager as a process of this
 * machine. Its webhooks refuse Jobs and pods in all namespaces while it is away, so give it a control plane of its own.
 */
export async function startKueue(cluster: ControlPlane): Promise<Kueue> {
  const env = process.env;
  const names = ['kueue', 'kubectl'] as const;
  const programs = await resolvePrograms(names, { cache: cacheRoot(env), env, progress: stderrProgress() });
  const [manager = '', kubectl = ''] = names.map((name) => programs.get(name)?.path ?? '');
  const directory = await createRunDirectory(defaultRunRoot(), Date.now());
  const supervised = supervise(directory.path, { removeWhenOrphaned: true });
  const stop = async () => {
    await supervised.stop({ graceMs: 0, remove: false });
    await endRecorded(directory.path);
    directory.release();
  };
  const file = (name: string): string => join(directory.path, name);
  try {
    const [health = 0, webhook = 0] = await freePorts(2);
    const manifests = await render(kubectl, join(dirname(manager), 'config', 'default'));
    await cluster.applyManifests(installed(manifests, webhook));
    const { kubeconfig } = await cluster.createUser({
      name: ACCOUNT,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`],
    });
    writeFileSync(file('kubeconfig'), JSON.stringify(kubeconfig), { mode: 0o600 });
    writeFileSync(file('config.yaml'), configuration(manifests, { health, webhook, certDir: file('certs') }));
    mkdirSync(file('certs'));
    const up = async () => {
      await supervised.start('kueue', manager, [`--config=${file('config.yaml')}`, '--zap-log-level=2'], {
        env: { ...env, KUBECONFIG: file('kubeconfig'), NO_PROXY: '*', no_proxy: '*' },
      });
      const ready = async () => {
        await mountCertificate(cluster.client, file('certs'));
        const answer = await fetch(`http://127.0.0.1:${health}/readyz`).catch(() => undefined);
        return answer?.status === 200 || undefined;
      };
      await Promise.race([waitFor('Kueue', ready, { everyMs: 100 }), supervised.whenEnded('kueue')]);
    };
    await up();
    return { up, stop, down: () => supervised.endPrograms(['kueue']) };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Manifest extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly webhooks?: readonly { readonly clientConfig: ClientConfig }[];
  readonly spec?: { readonly conversion?: { readonly webhook?: { readonly clientConfig: ClientConfig } } };
}

interface ClientConfig {
  readonly service: { port?: number };
}

async function render(kubectl: string, folder: string): Promise<Manifest[]> {
  const { stdout } = await promisify(execFile)(kubectl, ['kustomize', folder], { maxBuffer: 64 << 20 });
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
}

/** What is applied of the manifests: the API server reaches the webhooks on this machine, by the name it knows them by. */
function installed(manifests: readonly Manifest[], port: number): KubeObject[] {
  const kept = manifests.filter(({ kind }) => !LEFT_OUT.has(kind));
  for (const { webhooks = [], spec } of kept) {
    for (const { clientConfig } of [...webhooks, spec?.conversion?.webhook].filter((one) => one !== undefined)) {
      clientConfig.service.port = port;
    }
  }
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: WEBHOOK_SERVICE, namespace: NAMESPACE },
    spec: { type: 'ExternalName', externalName: '127.0.0.1' },
  };
  return [...kept, service];
}

/** Its own configuration, with ports of this machine and without the server that only shows queues. */
function configuration(
  manifests: readonly Manifest[],
  { health, webhook, certDir }: { health: number; webhook: number; certDir: string },
): string {
  const [own] = manifests.flatMap(({ data }) => data?.['controller_manager_config.yaml'] ?? []);
  return stringify({
    ...(parse(own ?? '') as object),
    namespace: NAMESPACE,
    health: { healthProbeBindAddress: `127.0.0.1:${health}` },
    metrics: { bindAddress: '0' },
    webhook: { host: '127.0.0.1', port: webhook, certDir },
    leaderElection: { leaderElect: false },
    featureGates: { VisibilityOnDemand: false },
  });
}

/** What a kubelet does for a pod that mounts a Secret: Kueue makes its certificate, and waits for it as files. */
async function mountCertificate(client: KubeClient, folder: string): Promise<void> {
  const { data = {} } = (await client.call('GET', CERTIFICATE)) as { data?: Record<string, string> };
  for (const [name, content] of Object.entries(data)) {
    writeFileSync(join(folder, name), Buffer.from(content, 'base64'), { mode: 0o600 });
  }
}
