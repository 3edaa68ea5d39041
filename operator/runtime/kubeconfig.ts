import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { type Clock, systemClock } from './clock.ts';
import { errorMessage } from './errors.ts';
import type { ConnectionSettings, ConnectionSource, TlsSettings } from './transport.ts';

/** The way to the API server could not be worked out. The message says what is wrong and what to do. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError';
}

export interface LoadOptions {
  /** Path of a kubeconfig file; wins over everything else. */
  readonly path?: string | undefined;
  /** Name of the context to use instead of the file's current one. */
  readonly context?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  /** Folder that stands for / where a Pod's service account is looked for. */
  readonly root?: string;
}

const SERVICE_ACCOUNT_ROOT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server in the order kubectl does: the given path, `KUBECONFIG` (several files are merged), the
 * in-cluster service account, `~/.kube/config`.
 *
 * @throws KubeConfigError when none is usable, with the remedy.
 */
export function loadKubeConfig(options: LoadOptions = {}): KubeConfig {
  const env = options.env ?? process.env;
  const listed =
    options.path === undefined ? (env['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean) : [options.path];
  const origin = options.path === undefined ? 'KUBECONFIG' : 'the given path';
  const homeFile = join(options.home ?? homedir(), '.kube', 'config');
  const tokenFile = join(options.root ?? '/', SERVICE_ACCOUNT_ROOT, 'token');

  if (listed.length > 0) return selected(merged(listed, origin), options.context, listed.join(delimiter));
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(tokenFile)) {
    const kc = new KubeConfig();
    kc.loadFromCluster(options.root ?? '');
    return kc;
  }
  if (existsSync(homeFile)) return selected(merged([homeFile], 'home folder'), options.context, homeFile);
  throw new KubeConfigError(
    `no Kubernetes cluster configured: KUBECONFIG is not set, ${homeFile} does not exist and this is not a Pod. ` +
      'Set KUBECONFIG to a kubeconfig file or pass its path.',
  );
}

function merged(files: readonly string[], origin: string): KubeConfig {
  const whole = new KubeConfig();
  whole.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: '' });
  for (const [index, file] of files.entries()) {
    const part = new KubeConfig();
    try {
      part.loadFromFile(file);
    } catch (error) {
      throw new KubeConfigError(unreadable(file, origin, error), { cause: error });
    }
    // kubectl lets the first file that names a cluster, user or context win.
    const fresh = <E extends { name: string }>(have: E[], more: E[]): E[] =>
      more.filter((entry) => !have.some(({ name }) => name === entry.name));
    whole.clusters.push(...fresh(whole.clusters, part.clusters));
    whole.users.push(...fresh(whole.users, part.users));
    whole.contexts.push(...fresh(whole.contexts, part.contexts));
    if (index === 0 || whole.currentContext === '') whole.currentContext = part.currentContext ?? '';
  }
  return whole;
}

/** Only the first line of a parser's message: the rest quotes the file, which holds credentials. */
function unreadable(file: string, origin: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return `kubeconfig ${file} (from ${origin}) does not exist. Check the path.`;
  if (code === 'EISDIR') return `kubeconfig ${file} (from ${origin}) is a folder. Name the file in it.`;
  if (code === 'EACCES')
    return `kubeconfig ${file} (from ${origin}) may not be read by this user. Fix its permissions.`;
  return `kubeconfig ${file} (from ${origin}) is not a valid kubeconfig: ${errorMessage(error).split('\n')[0]}. Compare it with the output of "kubectl config view".`;
}

function selected(kc: KubeConfig, context: string | undefined, where: string): KubeConfig {
  if (context !== undefined) kc.setCurrentContext(context);
  const current = kc.getCurrentContext();
  const known = kc.getContexts().map(({ name }) => name);
  const choices =
    known.length === 0
      ? 'It has no contexts: fetch it again from who runs the cluster.'
      : `It has: ${known.join(', ')}.`;
  if (current === '' || current === undefined) {
    throw new KubeConfigError(
      `kubeconfig ${where} has no current context. ${choices} Choose one with "kubectl config use-context NAME".`,
    );
  }
  if (!known.includes(current))
    throw new KubeConfigError(
      `kubeconfig ${where} has no context "${current}". ${choices} Choose one with --context or "kubectl config use-context NAME".`,
    );
  if (kc.getCurrentCluster() === null) {
    const there = kc.getClusters().map(({ name }) => name);
    throw new KubeConfigError(
      `kubeconfig ${where}: context "${current}" names a cluster that is not in the file. It has ${there.length === 0 ? 'none' : there.join(', ')}: correct the context, or fetch the kubeconfig again.`,
    );
  }
  return kc;
}

/** Credentials are read again this often, so rotated tokens and certificates are picked up. */
const REFRESH_MS = 30_000;

/** Reads address, trust and credentials from a KubeConfig, exec plugins and token files included. */
export class KubeConfigSource implements ConnectionSource {
  readonly server: string;
  readonly proxyUrl: string | undefined;
  readonly #kc: KubeConfig;
  readonly #clock: Clock;
  #current: { readonly settings: Promise<ConnectionSettings>; readonly readAt: number } | undefined;

  constructor(kc: KubeConfig, clock: Clock = systemClock) {
    const cluster = kc.getCurrentCluster();
    if (cluster === null) throw new KubeConfigError('the kubeconfig has no current cluster. Set its current-context.');
    if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify) {
      throw new KubeConfigError(
        `cluster ${cluster.name}: ${cluster.server} is plain HTTP. Use https, or set insecure-skip-tls-verify: true for a test server.`,
      );
    }
    if (cluster.proxyUrl?.startsWith('socks') === true) {
      throw new KubeConfigError(`cluster ${cluster.name}: SOCKS proxies are not supported. Use an HTTP proxy-url.`);
    }
    this.#kc = kc;
    this.#clock = clock;
    this.server = cluster.server.replace(/\/+$/, '');
    this.proxyUrl = cluster.proxyUrl;
  }

  settings(): Promise<ConnectionSettings> {
    const now = this.#clock.now();
    if (this.#current === undefined || now - this.#current.readAt > REFRESH_MS) {
      const settings = this.#read();
      this.#current = { settings, readAt: now };
      settings.catch(() => this.invalidate());
    }
    return this.#current.settings;
  }

  invalidate(): void {
    this.#current = undefined;
  }

  async #read(): Promise<ConnectionSettings> {
    const options: TlsSettings & { headers?: Record<string, string>; auth?: string } = {};
    try {
      await this.#kc.applyToHTTPSOptions(options);
    } catch (error) {
      throw new KubeConfigError(credentialFailure(this.#kc, error), { cause: error });
    }
    const { ca, cert, key, servername, rejectUnauthorized } = options;
    const basic =
      options.auth === undefined ? {} : { Authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` };
    return {
      tls: { ca, cert, key, servername, rejectUnauthorized },
      headers: { ...basic, ...options.headers },
    };
  }
}

function credentialFailure(kc: KubeConfig, error: unknown): string {
  const user = kc.getCurrentUser();
  const file = (error as NodeJS.ErrnoException).path;
  const exec = (user?.exec as { command?: string } | undefined)?.command;
  if (exec !== undefined)
    return `credential plugin "${exec}" of user ${user?.name} failed: ${errorMessage(error)}. Run it by hand to see why.`;
  if (file !== undefined)
    return `cannot read ${file} named by the kubeconfig: ${errorMessage(error)}. Fix the path or its permissions.`;
  return `cannot use the credentials of user ${user?.name ?? '(none)'}: ${errorMessage(error)}.`;
}
