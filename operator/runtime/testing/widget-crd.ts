import { isAlreadyExists } from '../errors.ts';
import type { KubeClient } from '../rest.ts';
import type { KubeObject, ResourceType } from '../types.ts';
import { eventually, WIDGETS } from './objects.ts';

interface Definition extends KubeObject {
  spec: object;
  status?: { conditions?: { type: string; status: string }[] };
}

const CRDS: ResourceType<Definition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

const NAME = `${WIDGETS.plural}.${WIDGETS.group}`;

const schema = {
  type: 'object',
  properties: {
    spec: { type: 'object', properties: { size: { type: 'integer', minimum: 0 } } },
    status: {
      type: 'object',
      properties: {
        ready: { type: 'boolean' },
        note: { type: 'string' },
        parts: { type: 'array', items: { type: 'string' } },
      },
    },
  },
};

/** Makes a real API server serve widgets. Returns the way to remove them again. */
export async function installWidgets(client: KubeClient): Promise<() => Promise<void>> {
  const definitions = client.resource(CRDS);
  const subresources = { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } };
  const version = {
    name: WIDGETS.version,
    served: true,
    storage: true,
    schema: { openAPIV3Schema: schema },
    subresources,
  };
  const spec = {
    group: WIDGETS.group,
    scope: 'Namespaced',
    names: { plural: WIDGETS.plural, singular: 'widget', kind: WIDGETS.kind, listKind: 'WidgetList' },
    versions: [version],
  };
  try {
    await definitions.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: CRDS.kind,
      metadata: { name: NAME },
      spec,
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  let served = false;
  const poll = setInterval(() => {
    client
      .resource(WIDGETS)
      .list()
      .then(
        () => {
          served = true;
        },
        () => {},
      );
  }, 100);
  try {
    await eventually(() => served, 'the API server serves widgets', 20_000);
  } finally {
    clearInterval(poll);
  }
  return () => definitions.delete({ name: NAME });
}
