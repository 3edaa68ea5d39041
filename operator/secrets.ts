import { isForbidden, isNotFound } from './runtime/errors.ts';
import type { KubeClient } from './runtime/rest.ts';
import type { KubeObject, ResourceType } from './runtime/types.ts';

const SECRETS: ResourceType<Secret> = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A Secret that does not give what is needed. The message names it and never holds a value. */
export class SecretProblem extends Error {
  override readonly name = 'SecretProblem';
}

/**
 * Reads all keys of Secrets, each time anew, so that a changed key counts at once. Rejects with SecretProblem where
 * the Secret is missing or may not be read.
 */
export function secretsReader(
  client: KubeClient,
): (key: { namespace: string; name: string }, signal?: AbortSignal) => Promise<Record<string, string>> {
  const secrets = client.resource(SECRETS);
  return async ({ namespace, name }, signal) => {
    const where = `Secret ${namespace}/${name}`;
    const secret = await secrets.get({ namespace, name }, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) throw new SecretProblem(`${where} does not exist`);
      if (isForbidden(error)) throw new SecretProblem(`${where} may not be read`);
      throw error;
    });
    const decoded = Object.entries(secret.data ?? {}).map(
      ([key, encoded]) => [key, Buffer.from(encoded, 'base64').toString('utf8').trim()] as const,
    );
    return Object.fromEntries(decoded);
  };
}

/** Reads one key of a Secret of `namespace`. Rejects with SecretProblem where it is missing or empty. */
export function secretReader(
  client: KubeClient,
  namespace: string,
): (name: string, key: string, signal: AbortSignal) => Promise<string> {
  const read = secretsReader(client);
  return async (name, key, signal) => {
    const where = `Secret ${namespace}/${name}`;
    const value = (await read({ namespace, name }, signal))[key];
    if (value === undefined) throw new SecretProblem(`${where} has no key "${key}"`);
    if (value === '') throw new SecretProblem(`${where} holds nothing under "${key}"`);
    return value;
  };
}
