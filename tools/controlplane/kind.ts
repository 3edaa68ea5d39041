import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Runs a command and resolves with its standard output; replaced in tests. */
export type Run = (command: string, args: readonly string[]) => Promise<string>;

/** A kind cluster; `created` says that we made it and so have to delete it. */
export interface KindCluster {
  readonly name: string;
  readonly kubeconfigPath: string;
  readonly created: boolean;
}

const NAME = 'kriptik';

/** Uses the kind cluster `kriptik`, making it if there is none. Its kubeconfig is written into `directory`. */
export async function openKind(directory: string, run: Run = runCommand): Promise<KindCluster> {
  const kubeconfigPath = join(directory, 'kind.kubeconfig');
  const clusters = (await run('kind', ['get', 'clusters'])).split('\n').map((line) => line.trim());
  const created = !clusters.includes(NAME);
  await run(
    'kind',
    created
      ? ['create', 'cluster', '--name', NAME, '--kubeconfig', kubeconfigPath, '--wait', '180s']
      : ['export', 'kubeconfig', '--name', NAME, '--kubeconfig', kubeconfigPath],
  );
  return { name: NAME, kubeconfigPath, created };
}

/** Deletes the cluster if {@link openKind} made it. */
export async function closeKind(cluster: KindCluster, run: Run = runCommand): Promise<void> {
  if (!cluster.created) return;
  await run('kind', ['delete', 'cluster', '--name', cluster.name, '--kubeconfig', cluster.kubeconfigPath]);
}

function runCommand(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors = (errors + chunk).slice(-8_000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`\`${command} ${args.join(' ')}\` failed (exit code ${code}):\n${errors.trim()}`));
    });
  });
}
