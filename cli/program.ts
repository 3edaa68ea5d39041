import { Command } from 'commander';
import { registerApply } from './commands/apply.ts';
import { registerApprove, registerDeny } from './commands/approve.ts';
import { registerCheckpoints } from './commands/checkpoints.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerCost } from './commands/cost.ts';
import { registerDescribe } from './commands/describe.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDownload } from './commands/download.ts';
import { registerEval } from './commands/eval.ts';
import { registerGet } from './commands/get.ts';
import { registerHelp } from './commands/help.ts';
import { registerLogs } from './commands/logs.ts';
import type { Open } from './commands/open.ts';
import { registerPlan } from './commands/plan.ts';
import { registerRaise } from './commands/raise.ts';
import { registerPause, registerResume } from './commands/scale.ts';
import { registerSelect } from './commands/select.ts';
import { registerTry } from './commands/try.ts';
import { registerUp } from './commands/up.ts';
import { registerVersion } from './commands/version.ts';
import { registerWatch, seconds } from './commands/watch.ts';

/** In the order a person needs them. */
const COMMANDS: readonly ((program: Command, open: Open) => void)[] = [
  registerUp,
  registerPlan,
  registerApply,
  registerGet,
  registerDescribe,
  registerApprove,
  registerDeny,
  registerSelect,
  registerWatch,
  registerLogs,
  registerPause,
  registerResume,
  registerRaise,
  registerCheckpoints,
  registerDownload,
  registerCost,
  registerTry,
  registerEval,
  registerDoctor,
  registerVersion,
  registerCompletion,
];

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
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: write.out,
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHasColors: () => false,
      getOutHelpWidth: () => Math.min(100, write.columns),
    })
    .exitOverride();

  for (const register of COMMANDS) register(program, open);
  program.addHelpText('after', '\nExit codes: "kriptik help exit-codes".');
  program.helpCommand(false);
  registerHelp(program, write.out);
  return program;
}
