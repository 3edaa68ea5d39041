/** Who an object belongs to; deleted with its owner. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** `metadata` as it travels on the wire: times are RFC 3339 strings, not `Date`. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

/** `metadata` of a cluster-scoped object as the server returns it. */
export interface ClusterMeta extends ObjectMeta {
  uid: string;
  generation: number;
}

/** `metadata` of a namespaced object as the server returns it. */
export interface NamespacedMeta extends ClusterMeta {
  namespace: string;
}

/** The same shape, all the way down, for objects that are shared, such as those of a cache. */
export type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
