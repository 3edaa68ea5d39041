import { Command, InvalidArgumentError } from 'commander';
import { registerApply } from './commands/apply.ts';
import { registerApprove, registerDeny } from './commands/approve.ts';
import { registerDescribe } from './commands/describe.ts';
import { registerGet } from './commands/get.ts';
import type { Open } from './commands/open.ts';
import { registerWatch, seconds } from './commands/watch.ts';

/** Builds the whole command tree. It writes nothing and ends no process by itself. */
export function buildProgram(
  open: Open,
  write: { readonly out: (text: string) => void; readonly columns: number },
): Command {
  const program = new Command('kriptik')
    .description(
      'From a goal in plain language to a trained model, for a price you approve and a budget that holds.\nBegin with: kriptik up; kriptik apply -f examples/quickstart/goal.yaml; kriptik approve NAME; kriptik watch NAME',
    )
    .option(
      '--kubeconfig <path>',
      'kubeconfig file (default: KUBECONFIG, ~/.kube/config, else the one of "kriptik up")',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', "namespace (default: the context's)")
    .option('-q, --quiet', 'print only what was asked for')
    .option('--no-color', 'print without colour (also: NO_COLOR)')
    .option('--request-timeout <seconds>', 'time one call to the API server may take', seconds)
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(100, write.columns), sortSubcommands: false })
    .configureOutput({
      writeOut: write.out,
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHasColors: () => false,
    })
    .exitOverride();

  registerApply(program, open);
  registerApprove(program, open);
  registerDeny(program, open);
  registerWatch(program, open);
  registerGet(program, open);
  registerDescribe(program, open);
  return program;
}

export { InvalidArgumentError };
