import type { ComputeProvider } from '@kriptik/crds';
import type { Clock } from '../runtime/clock.ts';
import type { ProviderRegistry } from './registry.ts';

/** Time for trainers to save before they are killed, in ms. */
const GRACE_MS = 20_000;

/** Between two looks whether they are gone, in ms. */
const LOOK_MS = 200;

/** Ends every instance of the given providers with a checkpoint and waits until nothing of them runs. */
export async function stopTrainers(
  registry: ProviderRegistry,
  providers: readonly ComputeProvider[],
  clock: Clock,
): Promise<void> {
  for (const provider of providers) {
    const backend = registry.runtime(provider)?.backend;
    if (backend === undefined) continue;
    for (const instance of await backend.list()) {
      if (instance.state === 'exited') continue;
      await backend.terminate(instance.name, { graceMs: GRACE_MS });
    }
    while ((await backend.list()).some((instance) => instance.state !== 'exited')) await clock.sleep(LOOK_MS);
  }
}
