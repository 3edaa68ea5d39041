/** Port on which CoreDNS says that it is ready. */
export const DNS_READY_PORT = 8181;

/** CoreDNS's configuration: the names of the cluster, and no others, on the node's address. */
export function corefile(address: string, kubeconfig: string): string {
  return `.:53 {
  bind ${address}
  errors
  ready ${address}:${DNS_READY_PORT}
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${JSON.stringify(kubeconfig)}
  }
}
`;
}

/** What CoreDNS may read. */
export const DNS_RULES = [
  { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
];
