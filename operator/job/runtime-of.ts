import type { ComputeProvider } from '@kriptik/crds';
import type { ProviderRuntime } from '../provider/registry.ts';
import type { JobDependencies } from './dependencies.ts';

/**
 * The runtime of a provider by name. One whose object is gone is driven as it was last, as long as this process lives;
 * undefined when it was never seen, or is of a type that cannot be driven here.
 */
export function runtimeOf(deps: JobDependencies, provider: string): ProviderRuntime | undefined {
  const object: ComputeProvider | undefined = deps.providers.get({ name: provider });
  return object === undefined ? deps.registry.lastKnown(provider) : deps.registry.runtime(object);
}
