import { chmodSync, copyFileSync, createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { RunningOperator } from '@kriptik/operator/main.ts';
import type { MicroUsd } from '@kriptik/operator/money.ts';
import { formatMoney } from '@kriptik/operator/money.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { type Command, Option } from 'commander';
import { amount } from '../arguments.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { embeddedKubeconfig, type Session } from '../session.ts';
import { forgetVerdict, nextSteps, providerVerdict, ROOT } from '../welcome.ts';
import { DEFAULT_RATE, localProviderManifest } from './localprovider.ts';
import type { Open } from './open.ts';

interface UpOptions {
  readonly dataDir?: string;
  readonly rate: MicroUsd;
  readonly workDir?: string;
  readonly kubeconfigOut?: string;
  readonly providerName: string;
  readonly logLevel: string;
}

/** What a cluster needs before an operator can work; in this order. */
const MANIFESTS: readonly string[] = ['crds', 'config', 'config/rbac', 'webhooks'].map((folder) => join(ROOT, folder));

export function registerUp(program: Command, open: Open): void {
  program
    .command('up')
    .summary('run a control plane, the operator and this machine as a provider, until Ctrl-C')
    .description(
      'Start etcd, a Kubernetes API server and the operator on this machine, with a provider that trains here, and write a kubeconfig. Everything is kept for the next start. Ctrl-C saves a checkpoint of what trains, stops everything and ends with exit code 0 (130 while it still starts).',
    )
    .addOption(
      new Option('--rate <usd>', 'price of one hour of this machine')
        .argParser(amount)
        .default(DEFAULT_RATE, formatMoney(DEFAULT_RATE)),
    )
    .option('--data-dir <path>', 'where the cluster is kept (default: ~/.kriptik/controlplane)')
    .option('--work-dir <path>', 'where trainers work and checkpoints are kept (default: ~/.local/share/kriptik)')
    .option('--kubeconfig-out <path>', 'where to write the kubeconfig (default: ~/.kriptik/kubeconfig)')
    .option('--provider-name <name>', 'name of the provider', 'local')
    .option('--log-level <level>', 'what the operator writes to its log: error, warn, info or debug', 'info')
    .action(async (options: UpOptions, command: Command) => up(open(command), options));
}

async function up(session: Session, options: UpOptions): Promise<void> {
  const { host } = session;
  const kubeconfig = resolve(host.cwd, options.kubeconfigOut ?? embeddedKubeconfig(host.home));
  const dataDirectory = resolve(host.cwd, options.dataDir ?? join(host.home, '.kriptik', 'controlplane'));
  const [{ startControlPlane }, { startOperator }, { createLogger }] = await Promise.all([
    import('@kriptik/tools/controlplane/controlplane.ts'),
    import('@kriptik/operator/main.ts'),
    import('@kriptik/operator/runtime/log.ts'),
  ]);
  session.note('Starting the control plane (the first time it is built, which takes minutes) ...');
  const controlPlane = await startControlPlane({ source: 'embedded', dataDirectory, signal: host.signal });
  let operator: RunningOperator | undefined;
  try {
    const workDir = options.workDir === undefined ? undefined : resolve(host.cwd, options.workDir);
    const provider = localProviderManifest(options.providerName, { pricePerHour: options.rate, workDir });
    await controlPlane.applyManifests([...MANIFESTS, provider]);
    await forgetVerdict(controlPlane.client, options.providerName);
    writeKubeconfig(controlPlane.kubeconfigPath, kubeconfig);
    const logFile = join(dataDirectory, 'operator.log');
    const destination = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    const log = createLogger({ name: 'kriptik', level: options.logLevel, destination });
    operator = await startOperator({ kubeconfig, env: host.env, log });
    const verdict = await providerVerdict(session, controlPlane.client, options.providerName);
    session.print(`Ready. API server: ${controlPlane.url}`);
    session.note(
      nextSteps(session, { kubeconfig, logFile, rate: options.rate, provider: options.providerName, verdict }),
    );
    await untilStopped(session, controlPlane, operator);
  } finally {
    await down(session, controlPlane, operator);
  }
}

/** Copied, not linked: the path a person exports must outlive a change of the data directory. Only its owner may read it. */
function writeKubeconfig(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  copyFileSync(from, to);
  chmodSync(to, 0o600);
}

/** Resolves on Ctrl-C; rejects when a part ends by itself. */
async function untilStopped(session: Session, controlPlane: ControlPlane, operator: RunningOperator): Promise<void> {
  const { signal } = session.host;
  const stopped = new Promise<void>((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
  await Promise.race([stopped, controlPlane.whenFailed().catch(partFailed), operator.done.catch(partFailed)]);
}

function partFailed(error: unknown): never {
  throw new CliError(
    EXIT.error,
    {
      what: `a part of the control plane ended: ${error instanceof Error ? error.message : String(error)}`,
      remedy: ['Everything else was stopped. Start again with "kriptik up"; nothing that was saved is lost.'],
    },
    { cause: error },
  );
}

/** Trainers first, while the operator still sees and records that they saved; then the operator, then the control plane. */
async function down(
  session: Session,
  controlPlane: ControlPlane,
  operator: RunningOperator | undefined,
): Promise<void> {
  try {
    if (operator !== undefined) {
      session.note('\nStopping: trainers save a checkpoint first ...');
      await operator.stopTrainers();
      await operator.stop();
    }
  } finally {
    await controlPlane.stop();
    session.note('Stopped. "kriptik up" goes on from here.');
  }
}
