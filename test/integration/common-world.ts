import { randomBytes } from 'node:crypto';
import { sharedCluster } from '../faults/cluster.ts';
import { World, type WorldOptions } from '../support/world.ts';

/**
 * A world on the control plane that the test files of a run share, in a namespace of its own: a control plane takes
 * longer to start than many a test takes. Files run one after the other, so the provider may have its usual name.
 */
export async function startCommonWorld(options: WorldOptions = {}): Promise<World> {
  const namespace = `team-${randomBytes(4).toString('hex')}`;
  return await World.start({ ...options, cluster: await sharedCluster(), namespace, alone: true });
}
