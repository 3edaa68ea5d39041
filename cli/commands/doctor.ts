import type { Command } from 'commander';
import { checkCrds, checkPolicies, checkProviders, checkRights } from '../doctor/cluster.ts';
import { checkDeletions } from '../doctor/deletions.ts';
import { checkDisk, checkNode, checkTrainer } from '../doctor/machine.ts';
import { checkOperator } from '../doctor/operator.ts';
import { type Finding, fail, ok, skip } from '../doctor/types.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { explain } from '../explain.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import type { Style } from '../render/style.ts';
import { padEnd } from '../render/width.ts';
import { chooseKubeconfig, type Session } from '../session.ts';
import type { Open } from './open.ts';
import { TRAINER_FOLDER } from './try.ts';

export function registerDoctor(program: Command, open: Open): void {
  program
    .command('doctor')
    .summary('check every part, with what to do about each fault')
    .description(
      'Check Node, kubeconfig, API server, kinds, admission policies, permissions, operator, providers, deletions that hang, trainer and disk. Exit code 1 when something fails.',
    )
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (options: { output: Format }, command: Command) => doctor(open(command), options.output));
}

async function doctor(session: Session, format: Format): Promise<void> {
  const { env } = session.host;
  const findings = [
    checkNode(process.version),
    await guarded('disk', () => checkDisk(env)),
    await guarded('trainer', () => checkTrainer(env, TRAINER_FOLDER)),
    ...(await clusterFindings(session)),
  ];
  if (format === 'json' || format === 'yaml') session.print(renderData(findings, format));
  else session.print(renderFindings(findings, session.style));
  const failed = findings.filter(({ result }) => result === 'fail').map(({ name }) => name);
  if (failed.length > 0) {
    throw new CliError(EXIT.error, {
      what: `not in order: ${failed.join(', ')}`,
      remedy: ['Follow what is said above, then run "kriptik doctor" again.'],
    });
  }
}

async function clusterFindings(session: Session): Promise<Finding[]> {
  const kubeconfig = await guarded('kubeconfig', async () => {
    const file = chooseKubeconfig(session.options, session.host) ?? session.host.env['KUBECONFIG'] ?? '~/.kube/config';
    return ok('kubeconfig', `${file}, context ${session.context}, namespace ${session.namespace}`);
  });
  const rest = ['crds', 'policies', 'permissions', 'operator', 'providers', 'deletions'];
  if (kubeconfig.result === 'fail')
    return [kubeconfig, ...['api server', ...rest].map((name) => skip(name, 'needs a kubeconfig'))];
  const server = await guarded('api server', async () => {
    const { gitVersion } = await session.client.version({ signal: session.host.signal, timeoutMs: 5_000 });
    return ok('api server', `${session.server ?? ''} answers, ${gitVersion}`);
  });
  if (server.result === 'fail') return [kubeconfig, server, ...rest.map((name) => skip(name, 'needs an API server'))];
  const crds = await guarded('crds', () => checkCrds(session));
  const policies = await guarded('policies', () => checkPolicies(session));
  const rights = await guarded('permissions', () => checkRights(session));
  const known = !crds.detail.startsWith('missing');
  const needsKinds = (name: string, check: () => Promise<Finding>): Finding | Promise<Finding> =>
    known ? guarded(name, check) : skip(name, 'needs the kinds');
  const operator = await needsKinds('operator', () => checkOperator(session));
  const providers = await needsKinds('providers', () => checkProviders(session));
  const deletions = await needsKinds('deletions', () => checkDeletions(session));
  return [kubeconfig, server, crds, policies, rights, operator, providers, deletions];
}

/** One check that breaks is a finding of its own, not the end of the others. */
async function guarded(name: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    const { fault } = explain(error);
    return fail(name, fault.what, fault.remedy.join(' '));
  }
}

/** One line a check, and its remedy below where there is one. */
function renderFindings(findings: readonly Finding[], style: Style): string[] {
  const width = Math.max(...findings.map(({ name }) => name.length)) + 2;
  const marks = {
    ok: style.green('ok  '),
    warn: style.yellow('warn'),
    fail: style.red('FAIL'),
    skip: style.dim('skip'),
  } as const;
  return findings.flatMap(({ name, result, detail, remedy }) => [
    `${marks[result]}  ${padEnd(name, width)}${detail}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(6 + width)}${style.dim('fix: ')}${remedy}`]),
  ]);
}
