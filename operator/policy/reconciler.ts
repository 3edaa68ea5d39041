import type { TrainingPolicy } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { patchStatusIfChanged } from '../runtime/apply.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ReconcileContext, Reconciler } from '../runtime/controller.ts';
import type { Cache } from '../runtime/informer.ts';
import type { ResourceClient } from '../runtime/resource.ts';
import type { KubeObject, ObjectKey } from '../runtime/types.ts';
import { decidePolicy } from './decide.ts';

export interface PolicyDependencies {
  readonly client: ResourceClient<TrainingPolicy>;
  readonly policies: Cache<TrainingPolicy>;
  readonly namespaces: Cache<KubeObject>;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

/** Says of each policy where it holds. What it forbids is enforced where plans are made. */
export class PolicyReconciler implements Reconciler {
  readonly #deps: PolicyDependencies;

  constructor(deps: PolicyDependencies) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<void> {
    const { policies, namespaces, catalog, clock, client } = this.#deps;
    const policy = policies.get(key);
    if (policy === undefined) return;
    const labels = namespaces.list().map((namespace) => namespace.metadata.labels ?? {});
    const status = decidePolicy({ now: clock.now(), policy, catalog, namespaces: labels });
    await patchStatusIfChanged(client, policy, status, { signal: context.signal });
  }
}
