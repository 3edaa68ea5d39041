import { Command } from 'commander';
import { seconds } from './arguments.ts';
import { registerHelp } from './commands/help.ts';
import type { Open } from './commands/open.ts';
import type { Register } from './commands.ts';

/** Builds the command tree of these commands. It writes nothing and ends no process by itself. */
export function buildProgram(
  commands: readonly Register[],
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
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: write.out,
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHasColors: () => false,
      getOutHelpWidth: () => Math.min(100, write.columns),
    })
    .exitOverride();

  for (const register of commands) register(program, open);
  program.addHelpText('after', '\nExit codes: "kriptik help exit-codes".');
  program.helpCommand(false);
  registerHelp(program, write.out);
  return program;
}
