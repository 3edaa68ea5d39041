import { setTimeout as delay } from 'node:timers/promises';
import { type KubeClient, KubeError } from './client.ts';

/** Any Kubernetes object, as far as applying it needs to know. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string | undefined;
    readonly namespace?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
  };
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const FIELD_MANAGER = 'kriptik-controlplane';
const ESTABLISH_TIMEOUT_MS = 30_000;

/**
 * Applies the objects server-side (creating or updating them), definitions of kinds and namespaces before the
 * rest, and waits until each definition is Established and served.
 * @throws KubeError with the server's message, Error when a kind is unknown or not established in time.
 */
export async function applyObjects(client: KubeClient, objects: readonly KubeObject[]): Promise<void> {
  const [first, second] = [objects.filter(isFoundation), objects.filter((object) => !isFoundation(object))];
  for (const object of first) await applyObject(client, object);
  await Promise.all(first.filter(isDefinition).map((object) => waitEstablished(client, object)));
  for (const object of second) await applyObject(client, object);
}

/** Applies one object; see {@link applyObjects}. */
export async function applyObject(client: KubeClient, object: KubeObject): Promise<void> {
  const path = await objectPath(client, object);
  await client.call('PATCH', `${path}?fieldManager=${FIELD_MANAGER}&force=true&fieldValidation=Strict`, {
    body: object,
    contentType: 'application/apply-patch+yaml',
  });
}

/** The path of an object; a namespaced one without a namespace is taken to be in `default`. */
async function objectPath(client: KubeClient, object: KubeObject): Promise<string> {
  const { name, namespace } = object.metadata;
  if (!name) throw new Error(`A ${object.kind} (${object.apiVersion}) has no metadata.name; give it one.`);
  const resource = (await resourcesOf(client, object.apiVersion)).find(({ kind }) => kind === object.kind);
  if (!resource) {
    throw new Error(
      `The cluster has no kind ${object.kind} in ${object.apiVersion} (needed by ${name}). Apply its CRD first.`,
    );
  }
  const scope = resource.namespaced ? `/namespaces/${namespace ?? 'default'}` : '';
  return `${groupPath(object.apiVersion)}${scope}/${resource.name}/${encodeURIComponent(name)}`;
}

async function resourcesOf(client: KubeClient, apiVersion: string): Promise<ApiResource[]> {
  const answer = await client.send('GET', groupPath(apiVersion));
  if (answer.status === 404) return [];
  if (answer.status !== 200) throw new KubeError(answer.status, `Cannot read the kinds of ${apiVersion}`);
  // Subresources are listed too, with the kind of their parent or of their own body.
  return (answer.body as { resources: ApiResource[] }).resources.filter(({ name }) => !name.includes('/'));
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

interface Definition {
  readonly spec: { readonly group: string; readonly versions: readonly { name: string; served: boolean }[] };
  readonly status?: { readonly conditions?: readonly { type: string; status: string; message?: string }[] };
}

async function waitEstablished(client: KubeClient, object: KubeObject): Promise<void> {
  const path = await objectPath(client, object);
  const deadline = performance.now() + ESTABLISH_TIMEOUT_MS;
  for (;;) {
    const { spec, status } = (await client.call('GET', path)) as Definition;
    const conditions = new Map(status?.conditions?.map((condition) => [condition.type, condition]));
    const refused = ['NamesAccepted', 'NonStructuralSchema'].map((type) => conditions.get(type)).find(isRefusal);
    if (refused) throw new Error(`CRD ${object.metadata.name} is not accepted: ${refused.message}`);
    // Established is set a moment before the server begins to serve the kind.
    if (conditions.get('Established')?.status === 'True' && (await isServed(client, spec))) return;
    if (performance.now() > deadline) {
      throw new Error(`CRD ${object.metadata.name} was not established within ${ESTABLISH_TIMEOUT_MS / 1000} s.`);
    }
    await delay(50);
  }
}

async function isServed(client: KubeClient, spec: Definition['spec']): Promise<boolean> {
  const served = spec.versions.filter((version) => version.served);
  const answers = await Promise.all(served.map((version) => client.send('GET', `/apis/${spec.group}/${version.name}`)));
  return answers.every(({ status }) => status === 200);
}

function isRefusal(condition: { type: string; status: string } | undefined): boolean {
  return condition?.status === (condition?.type === 'NonStructuralSchema' ? 'True' : 'False');
}

function isDefinition({ kind }: KubeObject): boolean {
  return kind === 'CustomResourceDefinition';
}

function isFoundation(object: KubeObject): boolean {
  return isDefinition(object) || object.kind === 'Namespace';
}
