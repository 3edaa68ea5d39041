import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateUser, makeKubeconfig } from '../cluster/kubeconfig.ts';
import { type CertificateAuthority, createAuthority, createSigningKeys, type KeyPair, loadAuthority } from '../pki.ts';
import { API_SERVICE_ADDRESS } from './arguments.ts';

/** The authority that signs clients of the API server, and the administrator's certificate. */
export interface ClusterKeys {
  readonly authority: CertificateAuthority;
  readonly admin: KeyPair;
}

/** The name of the administrator; its group is bound to cluster-admin by Kubernetes itself. */
export const ADMIN = { name: 'kriptik-admin', groups: ['system:masters'] } as const;

/**
 * Writes every certificate and key of a control plane into `directory`/pki. Authorities and the service-account
 * keys that are there are kept, so that kubeconfigs and tokens from an earlier start stay good; leaves are new
 * each time, so that none ever expires. `address` is where the API server will listen.
 */
export async function prepareKeys(directory: string, address: string, now: () => number): Promise<ClusterKeys> {
  const pki = join(directory, 'pki');
  mkdirSync(pki, { recursive: true, mode: 0o700 });
  const [authority, etcdAuthority] = await Promise.all([
    keptAuthority(pki, 'ca', 'kriptik', now),
    keptAuthority(pki, 'etcd-ca', 'kriptik-etcd', now),
    keepServiceAccountKeys(pki),
  ]);
  const [apiserver, etcd, etcdClient, kubeletClient, admin] = await Promise.all([
    authority.issue({
      name: 'kube-apiserver',
      usages: ['server'],
      dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
      ipAddresses: [...new Set(['127.0.0.1', address, API_SERVICE_ADDRESS])],
    }),
    etcdAuthority.issue({
      name: 'etcd',
      usages: ['server', 'client'],
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
    }),
    etcdAuthority.issue({ name: 'kube-apiserver', usages: ['client'] }),
    authority.issue({ name: 'kube-apiserver-kubelet-client', groups: ['system:masters'], usages: ['client'] }),
    authority.issue({ ...ADMIN, usages: ['client'] }),
  ]);
  writePair(pki, 'apiserver', apiserver);
  writePair(pki, 'etcd', etcd);
  writePair(pki, 'etcd-client', etcdClient);
  writePair(pki, 'kubelet-client', kubeletClient);
  return { authority, admin };
}

/** Writes the kubeconfig of a component, once the API server's address is known. */
export async function writeComponentKubeconfig(
  path: string,
  component: { readonly username: string; readonly groups?: readonly string[] },
  authority: CertificateAuthority,
  server: string,
): Promise<void> {
  const { username, groups = [] } = component;
  const user = certificateUser(await authority.issue({ name: username, groups, usages: ['client'] }));
  writePrivate(path, JSON.stringify(makeKubeconfig({ server, ca: authority.cert, username, user })));
}

/** The authority of a control plane that runs in `directory`, for a process that did not start it. */
export function readAuthority(directory: string, now: () => number): Promise<CertificateAuthority> {
  return loadAuthority(readPair(join(directory, 'pki'), 'ca'), now);
}

/** Writes a file only its owner can read. */
export function writePrivate(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
}

async function keptAuthority(
  pki: string,
  file: string,
  name: string,
  now: () => number,
): Promise<CertificateAuthority> {
  if (existsSync(join(pki, `${file}.key`))) return loadAuthority(readPair(pki, file), now);
  const authority = await createAuthority(name, now());
  writePair(pki, file, authority);
  return authority;
}

async function keepServiceAccountKeys(pki: string): Promise<void> {
  if (existsSync(join(pki, 'service-account.key'))) return;
  const { key, publicKey } = await createSigningKeys();
  writePrivate(join(pki, 'service-account.pub'), publicKey);
  writePrivate(join(pki, 'service-account.key'), key);
}

/**
 * Writes NAME.crt and NAME.key. The key is written last and is what an existing pair is told by: a start that was cut
 * short leaves no half pair.
 */
export function writePair(pki: string, name: string, { cert, key }: KeyPair): void {
  writePrivate(join(pki, `${name}.crt`), cert);
  writePrivate(join(pki, `${name}.key`), key);
}

function readPair(pki: string, name: string): KeyPair {
  return {
    cert: readFileSync(join(pki, `${name}.crt`), 'utf8'),
    key: readFileSync(join(pki, `${name}.key`), 'utf8'),
  };
}
