import type { KeyPair } from '../pki.ts';

/** A kubeconfig with one cluster, one user and one context, as kubectl reads it. */
export interface Kubeconfig {
  readonly apiVersion: 'v1';
  readonly kind: 'Config';
  readonly 'current-context': string;
  readonly clusters: readonly [{ name: string; cluster: { server: string; 'certificate-authority-data'?: string } }];
  readonly users: readonly [{ name: string; user: KubeconfigUser }];
  readonly contexts: readonly [{ name: string; context: { cluster: string; user: string; namespace?: string } }];
}

/** Credentials: a client certificate or a bearer token. */
export type KubeconfigUser =
  | { readonly 'client-certificate-data': string; readonly 'client-key-data': string }
  | { readonly token: string };

interface KubeconfigParts {
  readonly server: string;
  /** PEM. */
  readonly ca: string | undefined;
  readonly username: string;
  readonly user: KubeconfigUser;
  readonly namespace?: string;
}

/** Builds a kubeconfig; its context is named `kriptik`. */
export function makeKubeconfig({ server, ca, username, user, namespace }: KubeconfigParts): Kubeconfig {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'kriptik',
    clusters: [{ name: 'kriptik', cluster: { server, ...(ca && { 'certificate-authority-data': base64(ca) }) } }],
    users: [{ name: username, user }],
    contexts: [{ name: 'kriptik', context: { cluster: 'kriptik', user: username, ...(namespace && { namespace }) } }],
  };
}

/** The credentials of a client certificate. */
export function certificateUser({ cert, key }: KeyPair): KubeconfigUser {
  return { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
