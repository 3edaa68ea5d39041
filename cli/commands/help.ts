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
    .argument('[topic...]', 'a command, or exit-codes')
    .action((topic: string[]) => {
      if (topic[0] === 'exit-codes') write(exitCodesText());
      else write(helped(program, topic).helpInformation());
    });
}

/** The command that the words lead to, such as "eval intent". */
function helped(program: Command, [topic, ...below]: readonly string[]): Command {
  if (topic === undefined) return program;
  const found = program.commands.find((command) => command.name() === topic);
  if (found !== undefined) return helped(found, below);
  const names = program.commands.map((command) => command.name()).filter((name) => !name.startsWith('_'));
  const known = program.parent === null ? [...names, ...TOPICS] : names;
  throw usageError(`there is no help for "${topic}"`, didYouMean(topic, known) ?? 'See "kriptik help".');
}
