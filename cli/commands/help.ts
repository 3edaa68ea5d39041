import type { Command } from 'commander';
import { usageError } from '../errors.ts';
import { EXIT_CODES } from '../exitcodes.ts';
import { renderTable } from '../render/table.ts';
import { didYouMean } from '../suggest.ts';

const TOPICS = ['exit-codes'];

/** The table of exit codes. */
function exitCodesText(): string {
  return renderTable(
    [{ title: 'CODE', align: 'right' }, { title: 'MEANING' }],
    EXIT_CODES.map(({ code, meaning }) => [String(code), meaning]),
  );
}

export function registerHelp(program: Command, write: (text: string) => void): void {
  program
    .command('help')
    .summary('help for a command, or for exit-codes')
    .description('Show help for a command, or the meaning of the exit codes.')
    .argument('[topic]', 'a command, or exit-codes')
    .action((topic: string | undefined) => {
      if (topic === 'exit-codes') write(exitCodesText());
      else write(helped(program, topic).helpInformation());
    });
}

function helped(program: Command, topic: string | undefined): Command {
  if (topic === undefined) return program;
  const found = program.commands.find((command) => command.name() === topic);
  if (found !== undefined) return found;
  const names = [...program.commands.map((command) => command.name()), ...TOPICS];
  throw usageError(`there is no help for "${topic}"`, didYouMean(topic, names) ?? 'See "kriptik help".');
}
