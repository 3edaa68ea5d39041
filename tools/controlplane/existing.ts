import { existsSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { delimiter, join } from 'node:path';
import type { Connection } from './cluster/client.ts';
import { writePrivate } from './embedded/keys.ts';

/** A cluster that somebody else runs, by its kubeconfig. */
export interface Existing {
  /** Holds the current context only, so that a later `kubectl config use-context` changes nothing here. */
  readonly kubeconfigPath: string;
  readonly kubeconfig: object;
  readonly context: string;
  readonly connection: Connection;
}

/**
 * Reads the current context of the kubeconfig files (a list, as in KUBECONFIG) and writes it into `directory`.
 * Credential helpers are run once, now.
 * @throws Error when a file is missing or there is no usable current context.
 */
export async function openKubeconfig(paths: string, directory: string): Promise<Existing> {
  const files = paths.split(delimiter).filter(Boolean);
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new Error(
      `KUBECONFIG names ${missing}, which does not exist. Correct it, or unset it for a control plane of our own.`,
    );
  }
  // Loaded only here: the library takes half a second, which an embedded start does not have to spare.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  for (const [index, file] of files.entries()) {
    const next = index === 0 ? config : new KubeConfig();
    next.loadFromFile(file);
    if (index > 0) config.mergeConfig(next);
  }
  const context = config.getCurrentContext();
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  if (!cluster || !user) {
    throw new Error(
      `KUBECONFIG (${paths}) has no usable current context. Choose one: kubectl config use-context NAME.`,
    );
  }
  config.clusters = [cluster];
  config.users = [user];
  config.contexts = config.contexts.filter(({ name }) => name === context);
  const text = config.exportConfig();
  const kubeconfigPath = join(directory, 'kubeconfig');
  writePrivate(kubeconfigPath, text);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const kubeconfig = JSON.parse(text) as object;
  return { kubeconfigPath, kubeconfig, context, connection: connectionFrom(cluster.server, options) };
}

function connectionFrom(server: string, options: RequestOptions): Connection {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (options.auth) headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const { ca, cert, key, rejectUnauthorized } = options;
  return {
    server,
    headers,
    ...(isPem(ca) && { ca }),
    ...(isPem(cert) && { cert }),
    ...(isPem(key) && { key }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
}

function isPem(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}
