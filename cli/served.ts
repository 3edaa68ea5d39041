import { canonicalJson } from '@kriptik/operator/digest.ts';
import { isForbidden, isNotFound } from '@kriptik/operator/runtime/errors.ts';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import type { CrdFile } from './manifest/schema.ts';

/** `served`: it is there, but its definition may not be read and so not be compared. */
export interface CrdState {
  readonly name: string;
  readonly state: 'equal' | 'different' | 'missing' | 'served';
}

/** Compares the definitions of the cluster with those of this release. */
export function crdStates(client: KubeClient, crds: readonly CrdFile[]): Promise<CrdState[]> {
  return Promise.all(crds.map(async (crd) => ({ name: crd.metadata.name, state: await stateOf(client, crd) })));
}

async function stateOf(client: KubeClient, crd: CrdFile): Promise<CrdState['state']> {
  try {
    const served = await client.raw<CrdFile>(
      'GET',
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`,
    );
    return schemas(served) === schemas(crd) ? 'equal' : 'different';
  } catch (error) {
    if (isNotFound(error)) return 'missing';
    if (isForbidden(error)) return (await isServed(client, crd)) ? 'served' : 'missing';
    throw error;
  }
}

/** Names and schemas of the versions; the server adds defaults elsewhere. */
function schemas(crd: CrdFile): string {
  return canonicalJson(crd.spec.versions.map(({ name, schema }) => ({ name, schema: schema?.openAPIV3Schema })));
}

async function isServed(client: KubeClient, { spec }: CrdFile): Promise<boolean> {
  const version = spec.versions[0]?.name ?? '';
  try {
    const list = await client.raw<{ resources: { name: string }[] }>('GET', `/apis/${spec.group}/${version}`);
    return list.resources.some(({ name }) => name === spec.names.plural);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
