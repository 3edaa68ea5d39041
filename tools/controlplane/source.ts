import { spawnSync } from 'node:child_process';

/** How a control plane is come by. */
export type Source = 'kubeconfig' | 'kind' | 'embedded';

/** What the choice depends on; the probes are asked only when their turn comes, since they take time. */
export interface SourceFacts {
  /** `auto`, or one source forced (the option of `ControlPlane.start`, or KRIPTIK_CONTROLPLANE). */
  readonly requested: Source | 'auto';
  /** The value of KUBECONFIG. */
  readonly kubeconfig: string | undefined;
  readonly kindInstalled: () => boolean;
  readonly dockerAnswers: () => boolean;
}

/**
 * The first that holds: KUBECONFIG is set; kind is installed and a Docker engine answers; else programs of our own.
 * @throws Error when a forced source cannot be used, with the remedy.
 */
export function chooseSource(facts: SourceFacts): Source {
  switch (facts.requested) {
    case 'embedded':
      return 'embedded';
    case 'kubeconfig':
      if (facts.kubeconfig) return 'kubeconfig';
      throw new Error('A given cluster was asked for, but KUBECONFIG is not set. Set it to the path of a kubeconfig.');
    case 'kind':
      if (!facts.kindInstalled())
        throw new Error('kind was asked for, but it is not on PATH: https://kind.sigs.k8s.io.');
      if (!facts.dockerAnswers())
        throw new Error('kind was asked for, but `docker info` fails. Start the Docker engine.');
      return 'kind';
    case 'auto':
      if (facts.kubeconfig) return 'kubeconfig';
      return facts.kindInstalled() && facts.dockerAnswers() ? 'kind' : 'embedded';
    default:
      throw new Error(
        `KRIPTIK_CONTROLPLANE is ${JSON.stringify(facts.requested)}; use auto, kubeconfig, kind or embedded.`,
      );
  }
}

/** The facts of this machine. */
export function sourceFacts(
  requested: Source | 'auto' | undefined,
  env: Readonly<Record<string, string | undefined>>,
): SourceFacts {
  return {
    requested: requested ?? ((env['KRIPTIK_CONTROLPLANE'] || 'auto') as Source | 'auto'),
    kubeconfig: env['KUBECONFIG'] || undefined,
    kindInstalled: () => succeeds('kind', ['version']),
    dockerAnswers: () => succeeds('docker', ['info']),
  };
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}
