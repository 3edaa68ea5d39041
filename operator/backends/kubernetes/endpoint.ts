import { CONTROL_PORT } from './names.ts';
import type { Pod } from './objects.ts';

/**
 * Base URL of a pod's control server. With `ip` its own address, which only the cluster's network reaches; with `proxy`
 * a URL of the API server, which wants the operator's credentials. Undefined before the pod has an address.
 */
export const endpointOf = (pod: Pod, access: 'ip' | 'proxy', server: string): string | undefined => {
  const address = pod.status?.podIP;
  if (address === undefined || address === '') return undefined;
  if (access === 'ip') return `http://${address.includes(':') ? `[${address}]` : address}:${CONTROL_PORT}`;
  const { namespace = '', name } = pod.metadata;
  return `${server}/api/v1/namespaces/${namespace}/pods/${name}:${CONTROL_PORT}/proxy`;
};
