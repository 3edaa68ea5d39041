import { cacheRoot } from './binaries/cache.ts';
import { stderrProgress } from './binaries/progress.ts';
import { openGiven } from './given.ts';
import { startOwn } from './own.ts';
import { defaultRunRoot } from './processes/rundir.ts';
import { chooseSource, sourceFacts } from './source.ts';
import type { ControlPlane, ControlPlaneOptions, Resolved } from './types.ts';

/**
 * Uses the cluster of KUBECONFIG; else a kind cluster where a Docker engine answers; else starts programs of our
 * own, from KUBEBUILDER_ASSETS, the cache, or built from source. The caller must `stop` it; should this process
 * be killed, the programs end all the same.
 * @throws BuildError, ProgramEnded, DirectoryInUse, or an Error that says what to do.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const resolved = withDefaults(options);
  // A data directory is a wish for a control plane of one's own, whatever cluster kubectl points at.
  const requested = options.source ?? (options.dataDirectory === undefined ? undefined : 'embedded');
  const source = chooseSource(sourceFacts(requested, resolved.env));
  return source === 'embedded' ? startOwn(resolved) : openGiven(source, resolved);
}

function withDefaults(options: ControlPlaneOptions): Resolved {
  const env = options.env ?? process.env;
  return {
    ...options,
    env,
    cache: cacheRoot(env),
    controllerManager: options.controllerManager ?? true,
    node: options.node ?? false,
    scheduler: options.scheduler ?? options.node ?? false,
    auditLog: options.auditLog ?? false,
    runRoot: options.runRoot ?? defaultRunRoot(),
    now: options.now ?? Date.now,
    progress: options.progress ?? stderrProgress(),
    readyTimeoutMs: options.readyTimeoutMs ?? 60_000,
  };
}
