import type { KubeClient } from '@kriptik/tools/controlplane/cluster/client.ts';
import { expect } from 'vitest';
import type { Json } from './edit.ts';

const plurals: Readonly<Record<string, string>> = {
  TrainingGoal: 'traininggoals',
  TrainingPlan: 'trainingplans',
  TrainingJob: 'trainingjobs',
  TrainingReceipt: 'trainingreceipts',
  TrainingPolicy: 'trainingpolicies',
  ComputeProvider: 'computeproviders',
};

/** What the API server said to a write. */
export interface Outcome {
  readonly status: number;
  /** Its words where it refused. */
  readonly message: string;
  readonly object: Json;
}

/** Writes of one user to one namespace, every field checked. Nothing is stored where `dryRun` is set. */
export interface Writer {
  create(object: object): Promise<Outcome>;
  /** Replaces the object, or with `subresource` that part of it. */
  replace(object: object, subresource?: 'status'): Promise<Outcome>;
  patch(kind: string, name: string, patch: object, subresource?: 'status' | 'scale'): Promise<Outcome>;
  get(kind: string, name: string): Promise<Json>;
  remove(kind: string, name: string): Promise<Outcome>;
}

export function writer(client: KubeClient, namespace: string, dryRun = false): Writer {
  const path = (kind: string, name = '', subresource = '') => {
    const plural = plurals[kind];
    if (plural === undefined) throw new Error(`no kind ${kind} in the tests' table`);
    const scope = ['TrainingPolicy', 'ComputeProvider'].includes(kind) ? '' : `/namespaces/${namespace}`;
    const tail = [plural, name, subresource].filter((part) => part !== '').join('/');
    return `/apis/training.kriptik.ai/v1alpha1${scope}/${tail}`;
  };
  const query = `?fieldValidation=Strict&fieldManager=test${dryRun ? '&dryRun=All' : ''}`;
  const send = async (method: string, url: string, body: unknown, contentType?: string): Promise<Outcome> => {
    const answer = await client.send(method, url + query, {
      body,
      ...(contentType === undefined ? {} : { contentType }),
    });
    const object = (typeof answer.body === 'object' && answer.body !== null ? answer.body : {}) as Json;
    return {
      status: answer.status,
      message: answer.status < 300 ? '' : String(object['message'] ?? answer.body),
      object,
    };
  };
  const keyOf = (object: object) => {
    const { kind, metadata } = object as { kind: string; metadata: { name: string } };
    return { kind, name: metadata.name };
  };
  return {
    create: (object) => send('POST', path(keyOf(object).kind), object),
    replace: (object, subresource) => {
      const { kind, name } = keyOf(object);
      return send('PUT', path(kind, name, subresource), object);
    },
    patch: (kind, name, patch, subresource) =>
      send('PATCH', path(kind, name, subresource), patch, 'application/merge-patch+json'),
    get: async (kind, name) => (await client.call('GET', path(kind, name))) as Json,
    remove: (kind, name) => send('DELETE', path(kind, name), undefined),
  };
}

/** Fails with the server's words when the write was refused. */
export function expectAccepted(outcome: Outcome): Json {
  expect(outcome.message).toBe('');
  expect(outcome.status).toBeLessThan(300);
  return outcome.object;
}

/** Fails unless the write was refused, as invalid or forbidden, with every one of the given parts in the message. */
export function expectRefused(outcome: Outcome, ...parts: readonly string[]): void {
  expect([403, 422, 400], outcome.message).toContain(outcome.status);
  for (const part of parts) expect(outcome.message).toContain(part);
}
