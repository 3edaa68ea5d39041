import { loadKubeConfig } from '@kriptik/operator/runtime/kubeconfig.ts';
import { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import type { Host } from './host.ts';
import { FIELD_MANAGER, type GlobalOptions } from './session.ts';
import { CLIENT_VERSION } from './version.ts';

/** A cluster as one context of a kubeconfig names it. Nothing has been sent to it yet. */
export interface Connection {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly context: string;
  readonly contexts: readonly string[];
}

/**
 * Reads the kubeconfig at `path` (undefined: as kubectl looks for it) and makes a client of it.
 *
 * This module takes half a second to load: only commands that talk to a cluster load it.
 *
 * @throws KubeConfigError when there is none, or it cannot be used.
 */
export function connect(
  path: string | undefined,
  options: GlobalOptions,
  host: Pick<Host, 'env' | 'home'>,
): Connection {
  const kubeconfig = loadKubeConfig({ path, context: options.context, env: host.env, home: host.home });
  const context = kubeconfig.getCurrentContext();
  const client = KubeClient.fromKubeConfig(kubeconfig, {
    userAgent: `${FIELD_MANAGER}/${CLIENT_VERSION}`,
    fieldManager: FIELD_MANAGER,
    timeoutMs: (options.requestTimeout ?? 15) * 1000,
  });
  const contexts = kubeconfig.getContexts().map(({ name }) => name);
  return { client, context, contexts, namespace: kubeconfig.getContextObject(context)?.namespace ?? 'default' };
}
