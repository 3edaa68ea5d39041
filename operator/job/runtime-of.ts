import type { ComputeProvider } from '@kriptik/crds';
import { isBackendError } from '../backends/errors.ts';
import type { ProviderRuntime } from '../provider/registry.ts';
import type { JobDependencies } from './dependencies.ts';

/**
 * The runtime of a provider by name. One whose object is gone, or was spoilt, is driven as it was last, as long as this
 * process lives; undefined when it was never seen, or is of a type that cannot be driven here.
 */
export function runtimeOf(deps: JobDependencies, provider: string): ProviderRuntime | undefined {
  const object: ComputeProvider | undefined = deps.providers.get({ name: provider });
  if (object === undefined) return deps.registry.lastKnown(provider);
  try {
    return deps.registry.runtime(object);
  } catch (error) {
    // Its own condition says what is wrong with it.
    if (!isBackendError(error)) throw error;
    return deps.registry.lastKnown(provider);
  }
}
