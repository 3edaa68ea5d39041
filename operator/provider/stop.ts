import type { ComputeProvider } from '@kriptik/crds';
import type { Backend, Instance } from '../backends/backend.ts';
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
    // Asked again at every look: a supervisor that hangs is replaced only by a repeated request.
    for (let left = await running(backend); left.length > 0; left = await running(backend)) {
      for (const instance of left) await backend.terminate(instance.name, { graceMs: GRACE_MS });
      await clock.sleep(LOOK_MS);
    }
  }
}

async function running(backend: Backend): Promise<Instance[]> {
  return (await backend.list()).filter((instance) => instance.state !== 'exited');
}
