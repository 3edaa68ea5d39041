import type { Command } from 'commander';
import { type OperatorState, readOperatorState } from '../doctor/operator.ts';
import { bundledCrds } from '../manifest/schema.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import { crdStates } from '../served.ts';
import type { Session } from '../session.ts';
import { CLIENT_VERSION } from '../version.ts';
import type { Open } from './open.ts';

/** How long the cluster may take: a version must be told also when it is gone. */
const TIMEOUT_MS = 3_000;

interface Versions {
  readonly client: string;
  readonly node: string;
  readonly kubernetes?: string | undefined;
  readonly operator?: string | undefined;
  readonly crds?: string | undefined;
}

export function registerVersion(program: Command, open: Open): void {
  program
    .command('version')
    .summary('versions of this program, the operator and the kinds')
    .description(
      'Show the version of this program and, where a cluster answers, of Kubernetes, the operator and the kinds.',
    )
    .option('--client', 'do not ask a cluster')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (options: { client?: boolean; output: Format }, command: Command) => {
      const session = open(command);
      const versions = {
        client: CLIENT_VERSION,
        node: process.version,
        ...(options.client === true ? {} : await clusterVersions(session)),
      };
      if (options.output === 'json' || options.output === 'yaml') session.print(renderData(versions, options.output));
      else session.print(lines(versions));
    });
}

function lines(versions: Versions): string[] {
  const { client, node, kubernetes, operator, crds } = versions;
  return [
    `kriptik     ${client} (Node ${node})`,
    ...(kubernetes === undefined ? [] : [`kubernetes  ${kubernetes}`]),
    ...(operator === undefined ? [] : [`operator    ${operator}`]),
    ...(crds === undefined ? [] : [`crds        ${crds}`]),
  ];
}

async function clusterVersions(session: Session): Promise<Partial<Versions>> {
  try {
    const { gitVersion } = await session.client.version({ timeoutMs: TIMEOUT_MS, signal: session.host.signal });
    const states = await crdStates(session.client, bundledCrds());
    const different = states.filter(({ state }) => state === 'different' || state === 'missing').length;
    return {
      kubernetes: gitVersion,
      operator: await operatorLine(session),
      crds:
        different === 0
          ? `those of ${CLIENT_VERSION}`
          : `${different} of ${states.length} are missing or of another release; see "kriptik doctor"`,
    };
  } catch {
    session.note('No cluster answers: only the version of this program is shown.');
    return {};
  }
}

/** Its image where that is known, and whether it seems to be at work. */
async function operatorLine(session: Session): Promise<string | undefined> {
  const [image, state] = await Promise.all([
    operatorVersion(session),
    readOperatorState(session).catch((): OperatorState => ({ works: 'unknown', detail: '' })),
  ]);
  const says = { yes: 'at work', no: `not at work: ${state.detail}; see "kriptik doctor"`, unknown: undefined };
  const parts = [image, says[state.works]].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** From the image of the operator's Deployment, where it runs as one. */
async function operatorVersion(session: Session): Promise<string | undefined> {
  interface Deployments {
    readonly items: readonly {
      readonly spec: {
        readonly template: { readonly spec: { readonly containers: readonly { readonly image?: string }[] } };
      };
    }[];
  }
  try {
    const { items } = await session.client.raw<Deployments>(
      'GET',
      '/apis/apps/v1/namespaces/kriptik-system/deployments',
      {
        query: { labelSelector: 'app.kubernetes.io/name=kriptik' },
        timeoutMs: TIMEOUT_MS,
      },
    );
    return items[0]?.spec.template.spec.containers[0]?.image;
  } catch {
    return undefined;
  }
}
