import type { CallOptions, KubeClient, RawRequest } from './rest.ts';
import {
  apiVersionOf,
  type KubeList,
  type KubeObject,
  type ObjectKey,
  type ResourceType,
  type Scale,
  type Unstored,
} from './types.ts';

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects per page. @default 500 */
  readonly limit?: number;
  /** Where to go on, as an earlier page told. */
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string;
  /** Ask the server to check everything and write nothing. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Take over fields that others own. @default true */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Refuse (409) unless the object is exactly this one. */
  readonly preconditions?: { uid?: string; resourceVersion?: string };
  /** @default Background */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
}

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'test' | 'move' | 'copy';
  path: string;
  from?: string;
  value?: unknown;
}

/** What server-side apply sends: identity, and the fields the applier wants to own. */
export type ApplyBody = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  metadata: { name: string; namespace?: string };
};

/** Patches and replacements of one object, or of one of its subresources. */
export class PathClient<T extends KubeObject> {
  protected readonly client: KubeClient;
  protected readonly type: ResourceType;
  readonly #subresource: string;

  constructor(client: KubeClient, type: ResourceType, subresource = '') {
    this.client = client;
    this.type = type;
    this.#subresource = subresource;
  }

  /** @throws ApiError 404 when there is none. */
  get(key: ObjectKey, options: CallOptions = {}): Promise<T> {
    return this.client.raw<T>('GET', this.path(key), options);
  }

  /** Server-side apply: creates the object or takes the given fields over, and drops fields applied earlier. */
  apply<B extends ApplyBody>(body: B, options: ApplyOptions = {}): Promise<T> {
    return this.client.raw<T>('PATCH', this.path(body.metadata), {
      ...this.write(options, { force: options.force ?? true }),
      body,
      contentType: 'application/apply-patch+yaml',
    });
  }

  /** Merge patch: given fields are set, `null` removes, lists are replaced whole. */
  patch(key: ObjectKey, patch: object, options: WriteOptions = {}): Promise<T> {
    const contentType = 'application/merge-patch+json';
    return this.client.raw<T>('PATCH', this.path(key), { ...this.write(options), body: patch, contentType });
  }

  /** JSON patch (RFC 6902). A failed `test` operation is a 422. */
  jsonPatch(key: ObjectKey, operations: readonly JsonPatchOperation[], options: WriteOptions = {}): Promise<T> {
    const contentType = 'application/json-patch+json';
    return this.client.raw<T>('PATCH', this.path(key), { ...this.write(options), body: operations, contentType });
  }

  /** Writes the whole object. @throws ApiError 409 when it changed since `obj` was read. */
  replace(obj: T, options: WriteOptions = {}): Promise<T> {
    return this.client.raw<T>('PUT', this.path(obj.metadata), { ...this.write(options), body: obj });
  }

  protected path(key: ObjectKey): string {
    const base = `${collectionPath(this.type, key.namespace)}/${encodeURIComponent(key.name)}`;
    return this.#subresource === '' ? base : `${base}/${this.#subresource}`;
  }

  protected write(options: WriteOptions, query: RawRequest['query'] = {}): RawRequest {
    return {
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      query: {
        fieldManager: options.fieldManager ?? this.client.fieldManager,
        fieldValidation: 'Strict',
        dryRun: options.dryRun === true ? 'All' : undefined,
        ...query,
      },
    };
  }
}

/** All calls on one kind of object. */
export class ResourceClient<T extends KubeObject> extends PathClient<T> {
  readonly resource: ResourceType<T>;
  readonly kube: KubeClient;
  readonly status: PathClient<T>;
  readonly scale: PathClient<Scale>;

  constructor(client: KubeClient, type: ResourceType<T>) {
    super(client, type);
    this.resource = type;
    this.kube = client;
    this.status = new PathClient<T>(client, type, 'status');
    this.scale = new PathClient<Scale>(client, type, 'scale');
  }

  /** One page. `metadata.continue` tells where the next one starts; a stale token is a 410. */
  async listPage(options: ListOptions = {}): Promise<KubeList<T>> {
    const { namespace, labelSelector, fieldSelector, limit = 500, resourceVersion, signal, timeoutMs } = options;
    const list = await this.client.raw<KubeList<T>>('GET', collectionPath(this.type, namespace), {
      query: { labelSelector, fieldSelector, limit, resourceVersion, continue: options.continue },
      signal,
      timeoutMs,
    });
    // List items come without their type; what a watch or a get returns has it.
    const identity = { apiVersion: apiVersionOf(this.type), kind: this.type.kind };
    return { metadata: list.metadata, items: (list.items ?? []).map((item) => ({ ...identity, ...item })) };
  }

  /** Every page in one list, with the resourceVersion to watch from. */
  async list(options: ListOptions = {}): Promise<KubeList<T>> {
    const first = await this.listPage(options);
    let next = first.metadata.continue;
    while (next !== undefined && next !== '') {
      const page = await this.listPage({ ...options, continue: next });
      first.items.push(...page.items);
      first.metadata.resourceVersion = page.metadata.resourceVersion;
      next = page.metadata.continue;
    }
    delete first.metadata.continue;
    return first;
  }

  /** @throws ApiError 409 AlreadyExists when the name is taken. */
  create(obj: Unstored<T>, options: WriteOptions = {}): Promise<T> {
    return this.client.raw<T>('POST', collectionPath(this.type, obj.metadata.namespace), {
      ...this.write(options),
      body: obj,
    });
  }

  /** Asks for deletion; finalizers may hold the object for longer. @throws ApiError 404 when it is gone already. */
  async delete(key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    const { preconditions, propagation = 'Background', gracePeriodSeconds, signal, timeoutMs } = options;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagation,
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    };
    await this.client.raw('DELETE', this.path(key), { body, signal, timeoutMs });
  }
}

/** Path of all objects of a kind, in one namespace or in all. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${type.plural}`;
}
