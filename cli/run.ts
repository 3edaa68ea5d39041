import { type Command, CommanderError } from 'commander';
import { commandsFor } from './commands.ts';
import type { connect } from './connection.ts';
import { renderFault } from './errors.ts';
import { EXIT, type ExitCode } from './exitcodes.ts';
import { explain } from './explain.ts';
import type { Host } from './host.ts';
import { buildProgram } from './program.ts';
import { type GlobalOptions, Session } from './session.ts';

/** Runs one command line and resolves with its exit code. Every failure is rendered here, to standard error. */
export async function run(args: readonly string[], host: Host): Promise<ExitCode> {
  const opened: Session[] = [];
  let connector: typeof connect | undefined;
  const open = (command: Command): Session => {
    const session = new Session(host, command.optsWithGlobals<GlobalOptions>(), connector);
    opened.push(session);
    return session;
  };
  const program = buildProgram(await commandsFor(args), open, {
    out: (text) => host.stdout.write(text),
    columns: host.stdout.columns,
  });
  program.hook('preAction', async (_, command) => {
    if (asksCluster(command)) ({ connect: connector } = await import('./connection.ts'));
  });
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return report(error, host, opened.at(-1));
  } finally {
    await Promise.all(opened.map((session) => session.close()));
  }
}

/** Loading the client of the API server takes longer than all of a command that does not need it. */
function asksCluster(command: Command): boolean {
  if (command.name() === 'version') return command.opts<{ client?: boolean }>().client !== true;
  const top = command.parent?.parent ? command.parent : command;
  return !['catalog', 'completion', 'eval', 'help', 'plan', 'up'].includes(top.name());
}

function report(error: unknown, host: Host, session: Session | undefined): ExitCode {
  // Help and version leave through an exception of their own.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (host.signal.aborted && !(error instanceof CommanderError)) {
    host.stderr.write('\n');
    return EXIT.interrupted;
  }
  const explained = explain(error, { server: session?.server, namespace: session?.options.namespace });
  const style = (session ?? new Session(host, {})).errorStyle;
  host.stderr.write(renderFault(explained.fault, style));
  if ((host.env['KRIPTIK_DEBUG'] ?? '') !== '' && explained.cause instanceof Error)
    host.stderr.write(`${explained.cause.stack ?? ''}\n`);
  return explained.code;
}
