import type { Unstored } from '../../runtime/types.ts';
import type { LaunchRequest } from '../backend.ts';
import { metadataOf } from './desired.ts';
import { CONTROL_PORT } from './names.ts';
import type { NetworkPolicy } from './objects.ts';
import type { KubernetesSettings } from './settings.ts';

const HTTPS = 443;

/**
 * Nothing in and nothing out but: the control port for the operator, DNS, HTTPS and the store's port for the store
 * and the Hub, and the pods of the attempt among themselves.
 */
export const networkPolicyOf = (request: LaunchRequest, settings: KubernetesSettings): Unstored<NetworkPolicy> => {
  const metadata = metadataOf(request, settings);
  const pods = { podSelector: { matchLabels: metadata.labels ?? {} } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      ...pods,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [pods] }, controlRule(settings)],
      egress: [{ to: [pods] }, dnsRule, storeRule(request, settings)],
    },
  };
};

/** The API server has no label to be told by: behind its proxy the token alone guards the port. */
const controlRule = ({ podAccess, operatorNamespace }: KubernetesSettings): object => ({
  ports: [{ port: CONTROL_PORT, protocol: 'TCP' }],
  ...(podAccess === 'ip' && {
    from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } } }],
  }),
});

const dnsRule = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

const storeRule = ({ store }: LaunchRequest, { spec }: KubernetesSettings): object => {
  const ports = [...new Set([HTTPS, portOf(store?.endpoint)])];
  return {
    ports: ports.map((port) => ({ port, protocol: 'TCP' })),
    ...(spec.storeEgress !== undefined && { to: spec.storeEgress.map((cidr) => ({ ipBlock: { cidr } })) }),
  };
};

/** Port of a service's address; that of HTTPS where it has none. */
const portOf = (endpoint: string | undefined): number => {
  if (endpoint === undefined || !URL.canParse(endpoint)) return HTTPS;
  const { port, protocol } = new URL(endpoint);
  return port === '' ? (protocol === 'http:' ? 80 : HTTPS) : Number(port);
};
