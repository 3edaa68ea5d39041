import type { CertificateAuthority } from '../pki.ts';
import type { KubeClient } from './client.ts';
import { certificateUser, type Kubeconfig, makeKubeconfig } from './kubeconfig.ts';
import { grant, type PolicyRule } from './rbac.ts';
import { applyObject } from './resources.ts';

/** Who is wanted. */
interface UserRequest {
  readonly name: string;
  /** Only where we hold the certificate authority (embedded). */
  readonly groups?: readonly string[];
  readonly rules?: readonly PolicyRule[];
  /** Where the rules hold; everywhere when left out. Also the default namespace of the kubeconfig. */
  readonly namespace?: string;
}

/** A user that can call the API server. */
export interface User {
  /** As the API server knows them; on a given cluster this differs from the name that was asked for. */
  readonly username: string;
  readonly kubeconfig: Kubeconfig;
}

/** Makes users of one cluster. */
export type CreateUser = (request: UserRequest) => Promise<User>;

/** What both ways of making users need. */
export interface UserContext {
  readonly client: KubeClient;
  readonly server: string;
  /** PEM. */
  readonly ca: string | undefined;
  /** On every object made for users. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Users with client certificates: their names and groups are exactly what was asked for. */
export function certificateUsers(context: UserContext, authority: CertificateAuthority): CreateUser {
  return async (request) => {
    const { name, groups = [] } = request;
    await grantRules(context, name, [...groups, 'system:authenticated'], request);
    const user = certificateUser(await authority.issue({ name, groups, usages: ['client'] }));
    return { username: name, kubeconfig: kubeconfigFor(context, name, user, request) };
  };
}

/**
 * Users that are service accounts in a namespace of their own, with tokens of two hours: every cluster has those.
 * @throws Error when groups are asked for: those of a service account cannot be chosen.
 */
export function serviceAccountUsers(context: UserContext, accountsNamespace: string): CreateUser {
  return async (request) => {
    if (request.groups && request.groups.length > 0) {
      throw new Error(
        `User ${request.name} asks for groups; on a given cluster users are service accounts, whose groups are fixed. Give the user rules instead, or use an embedded control plane (KRIPTIK_CONTROLPLANE=embedded).`,
      );
    }
    const { client, labels } = context;
    const account = accountName(request.name);
    const metadata = { name: account, namespace: accountsNamespace, labels };
    await applyObject(client, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: accountsNamespace, labels } });
    await applyObject(client, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    const username = `system:serviceaccount:${accountsNamespace}:${account}`;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${accountsNamespace}`, 'system:authenticated'];
    await grantRules(context, username, groups, request);
    const path = `/api/v1/namespaces/${accountsNamespace}/serviceaccounts/${account}/token`;
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 7200 },
    };
    const { status } = (await client.call('POST', path, { body })) as { status: { token: string } };
    return { username, kubeconfig: kubeconfigFor(context, username, { token: status.token }, request) };
  };
}

/** A service account's name for any user name: lower case letters, digits and dashes. */
export function accountName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return plain.slice(0, 63) || 'user';
}

async function grantRules(
  { client, labels }: UserContext,
  username: string,
  groups: readonly string[],
  { name, rules = [], namespace }: UserRequest,
): Promise<void> {
  if (rules.length === 0) return;
  await grant(client, { name: `kriptik-user:${name}`, username, groups, rules, namespace, labels });
}

function kubeconfigFor(
  { server, ca }: UserContext,
  username: string,
  user: Kubeconfig['users'][0]['user'],
  { namespace }: UserRequest,
): Kubeconfig {
  return makeKubeconfig({ server, ca, username, user, ...(namespace !== undefined && { namespace }) });
}
