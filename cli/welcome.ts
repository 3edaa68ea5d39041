import { accessSync, constants } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ComputeProvider } from '@kriptik/crds';
import { formatUsd, type MicroUsd } from '@kriptik/operator/money.ts';
import type { KubeClient } from '@kriptik/tools/controlplane/cluster/client.ts';
import type { Host } from './host.ts';
import { chooseKubeconfig, type Session } from './session.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** How long "up" waits to hear whether this machine can train, in ms. Starting the trainer's Python takes a while. */
const VERDICT_MS = 20_000;

const PROVIDERS = '/apis/training.kriptik.ai/v1alpha1/computeproviders';

/** Forgets what an earlier run found: the trainer may have come or gone since. Call it before the operator starts. */
export async function forgetVerdict(client: Pick<KubeClient, 'call'>, name: string): Promise<void> {
  await client.call('PATCH', `${PROVIDERS}/${name}/status`, {
    body: { status: { conditions: null, lastProbeTime: null } },
    contentType: 'application/merge-patch+json',
  });
}

/** What the operator says of the provider of this machine. Undefined when it has not looked in time. */
export async function providerVerdict(
  session: Session,
  client: Pick<KubeClient, 'call'>,
  name: string,
): Promise<{ readonly ready: boolean; readonly message: string } | undefined> {
  const { clock, signal } = session.host;
  const started = clock.now();
  for (; clock.now() < started + VERDICT_MS; await clock.sleep(200, signal)) {
    const provider = (await client.call('GET', `${PROVIDERS}/${name}`)) as ComputeProvider;
    const ready = provider.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready === undefined || ready.observedGeneration !== provider.metadata.generation) continue;
    return { ready: ready.status === 'True', message: ready.message };
  }
  return undefined;
}

interface Welcome {
  readonly kubeconfig: string;
  readonly logFile: string;
  readonly provider: string;
  readonly rate: MicroUsd;
  readonly verdict: { readonly ready: boolean; readonly message: string } | undefined;
}

/** What a person can do now, as commands that work when pasted into another terminal in the same folder. */
export function nextSteps(session: Session, welcome: Welcome): string {
  const { host, errorStyle } = session;
  const { provider, rate, verdict } = welcome;
  const kriptik = onPath(host) ? 'kriptik' : shorter(host.cwd, join(ROOT, 'bin', 'kriptik'));
  const goal = shorter(host.cwd, join(ROOT, 'examples', 'quickstart', 'goal.yaml'));
  // The commands find it by themselves where nothing else is configured.
  const found = chooseKubeconfig({}, host) === welcome.kubeconfig;
  const trouble = verdict === undefined ? 'the operator has not looked at it yet' : verdict.message;
  return [
    `Provider "${provider}": this machine at ${formatUsd(rate)} an hour.`,
    ...(verdict?.ready === true ? [] : [errorStyle.yellow(`It cannot train yet: ${trouble}`)]),
    `Log of the operator: ${welcome.logFile}`,
    '',
    'In another terminal:',
    ...(found ? [] : [`  export KUBECONFIG=${quoted(welcome.kubeconfig)}`]),
    `  ${kriptik} apply -f ${quoted(goal)}`,
    `  ${kriptik} plan helpdesk`,
    `  ${kriptik} approve helpdesk`,
    `  ${kriptik} watch helpdesk`,
    '',
    'Ctrl-C saves what trains and stops everything.',
  ].join('\n');
}

function onPath({ env }: Pick<Host, 'env'>): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'kriptik'), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

/** The path as it is typed from `cwd`, where that is the shorter way. */
function shorter(cwd: string, path: string): string {
  const near = relative(cwd, path);
  return near.length < path.length && !near.startsWith('../..') ? near : path;
}

const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
