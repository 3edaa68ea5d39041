import type { Job } from './objects.ts';
import { DEFAULTS, type KubernetesSettings } from './settings.ts';
import type { Wanted } from './waiting.ts';

/** The pod template's parts that say which nodes will do. */
type Template = {
  spec?: {
    nodeSelector?: Record<string, string>;
    affinity?: {
      nodeAffinity?: {
        requiredDuringSchedulingIgnoredDuringExecution?: {
          nodeSelectorTerms?: { matchExpressions?: { key: string; values?: string[] }[] }[];
        };
      };
    };
  };
};

/** What a Job asks of its nodes. The provider may have changed since it was made, and a queue adds to it. */
export const wantedOf = (job: Job | undefined, { spec }: Pick<KubernetesSettings, 'spec'>): Wanted => {
  const template = job?.spec['template'] as Template | undefined;
  const gpuLabel = spec.gpuLabel ?? DEFAULTS.gpuLabel;
  const required = template?.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const expressions = required?.nodeSelectorTerms?.[0]?.matchExpressions ?? [];
  return {
    gpuLabel,
    products: expressions.find(({ key }) => key === gpuLabel)?.values ?? [],
    nodeSelector: template?.spec?.nodeSelector ?? {},
  };
};
