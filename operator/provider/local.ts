import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ComputeProvider } from '@kriptik/crds';
import type { Resources } from '../backends/backend.ts';
import { misconfigured } from '../backends/errors.ts';
import { createLocalBackend } from '../backends/local/index.ts';
import { parseBytes } from '../planner/offers.ts';
import { openStore } from '../store/open.ts';
import type { ProviderFactory } from './registry.ts';

/** How the trainer is run on this machine. */
export interface LocalTrainer {
  readonly python: string;
  readonly trainerCommand: readonly string[];
  readonly trainerEnv: Readonly<Record<string, string>>;
}

/** Never run: what is looked up takes its place. */
const NO_TRAINER = { python: '', trainerCommand: [] };

/** Where attempts and checkpoints are kept when the provider does not say. */
export function defaultWorkDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'kriptik');
}

/** SIGTERM goes out this long before the hard deadline, in ms. The trainer's own deadline lies before it. */
const HARD_DEADLINE_GRACE_MS = 1_500;

/**
 * Makes the runtime of providers of type local. Attempts lie in a folder of this cluster, so that two
 * clusters on one machine never take each other's trainers for orphans.
 */
export function localProviderFactory(locateTrainer: () => Promise<LocalTrainer>, clusterId: string): ProviderFactory {
  return (provider: ComputeProvider) => {
    const { local, limits } = provider.spec;
    const workDir = local?.workDir ?? defaultWorkDir();
    if (!isAbsolute(workDir)) {
      throw misconfigured(
        `spec.local.workDir "${workDir}" is not absolute`,
        'Write the full path, such as /var/lib/kriptik.',
      );
    }
    const root = join(workDir, clusterId.slice(0, 8));
    const backend = createLocalBackend({
      root,
      ...NO_TRAINER,
      locateTrainer: async () => {
        const { python, trainerCommand, trainerEnv } = await locateTrainer();
        return { python, trainerCommand: [...trainerCommand], trainerEnv: { ...trainerEnv } };
      },
      maxInstances: limits?.maxInstances ?? 1,
      resources: resourcesOf(local?.resources),
      gpu: {
        name: local?.gpu ?? 'cpu',
        count: local?.gpu === undefined || local.gpu === 'cpu' ? 0 : (local.gpuCount ?? 1),
      },
      timing: { hardDeadlineGrace: HARD_DEADLINE_GRACE_MS },
    });
    const storeUri = (jobUid: string): string => pathToFileURL(join(root, 'jobs', jobUid)).href;
    return { backend, storeUri, openStore: (jobUid) => openStore(storeUri(jobUid)) };
  };
}

function resourcesOf(declared: NonNullable<ComputeProvider['spec']['local']>['resources']): Resources {
  const memoryBytes = parseBytes(declared?.maxMemory);
  return {
    ...(declared?.maxCpus === undefined ? {} : { cpus: declared.maxCpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(declared?.niceness === undefined ? {} : { niceness: declared.niceness }),
  };
}
