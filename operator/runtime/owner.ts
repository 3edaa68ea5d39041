import type { KubeObject, OwnerReference } from './types.ts';

/**
 * A reference for `metadata.ownerReferences` of a child: the garbage collector deletes the child with its owner.
 * With `controller`, informers map the child back to the owner.
 *
 * @throws Error when `owner` has no uid, which only an object that was never stored lacks.
 */
export function ownerReference(owner: KubeObject, options: { controller?: boolean } = {}): OwnerReference {
  const { name, uid } = owner.metadata;
  if (uid === undefined || uid === '')
    throw new Error(`${owner.kind} ${name} has no uid, so it cannot own anything yet`);
  const reference = { apiVersion: owner.apiVersion, kind: owner.kind, name, uid };
  return options.controller === true ? { ...reference, controller: true, blockOwnerDeletion: true } : reference;
}

/** The owner that controls the object, if any. */
export function controllerOf(obj: KubeObject): OwnerReference | undefined {
  return obj.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** Whether exactly this object (by uid) controls `obj`. */
export function isControlledBy(obj: KubeObject, owner: KubeObject): boolean {
  const uid = controllerOf(obj)?.uid;
  return uid !== undefined && uid === owner.metadata.uid;
}
