import { Argument, type Command } from 'commander';
import { type Candidate, type Wanted, wantedAt } from '../completion/complete.ts';
import { completionScript, FILES_MARK, SHELLS, type Shell } from '../completion/scripts.ts';
import { findPlan } from '../locate.ts';
import { KINDS, kindOf } from '../resources.ts';
import type { Session } from '../session.ts';
import type { Open } from './open.ts';

/** A shell must not hang at Tab because a cluster does not answer. */
const TIMEOUT_MS = 2_000;

export function registerCompletion(program: Command, open: Open): void {
  program
    .command('completion')
    .summary('print the completion script of a shell')
    .description(
      'Print a script that completes commands, options and names of objects. For bash: source <(kriptik completion bash)',
    )
    .addArgument(new Argument('<shell>', 'your shell').choices([...SHELLS]))
    .action((shell: Shell, _options: unknown, command: Command) => open(command).print(completionScript(shell)));

  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words: string[], _options: unknown, command: Command) => {
      const session = open(command);
      const candidates = await candidatesFor(session, wantedAt(program, words)).catch(() => []);
      const current = words.at(-1) ?? '';
      const fitting = candidates.filter(({ value }) => value.startsWith(current) || value === FILES_MARK);
      session.print(fitting.map(({ value, help }) => `${value}${help === undefined ? '' : `\t${help}`}\n`).join(''));
    });
}

async function candidatesFor(session: Session, wanted: Wanted): Promise<readonly Candidate[]> {
  switch (wanted.kind) {
    case 'words':
      return wanted.words;
    case 'files':
      return [{ value: FILES_MARK }];
    case 'targets': {
      const lists = await Promise.all(
        wanted.types.map(async (word, index) =>
          (await namesOf(session, word)).map((value) => (index === 0 ? value : `${word.slice(0, -1)}/${value}`)),
        ),
      );
      return lists.flat().map((value) => ({ value }));
    }
    case 'namesOf':
      return (await namesOf(session, wanted.type)).map((value) => ({ value }));
    case 'choices':
      return choicesOf(session, wanted.target);
    case 'contexts':
      return session.contexts.map((value) => ({ value }));
    case 'namespaces': {
      const { items } = await session.client.raw<{ items: { metadata: { name: string } }[] }>(
        'GET',
        '/api/v1/namespaces',
        { timeoutMs: TIMEOUT_MS },
      );
      return items.map(({ metadata }) => ({ value: metadata.name }));
    }
  }
}

async function namesOf(session: Session, word: string): Promise<string[]> {
  const type = kindOf(KINDS.find((kind) => kind.word === word)?.word ?? word);
  const { items } = await session.client
    .resource(type)
    .list({ namespace: type.namespaced ? session.namespace : undefined, timeoutMs: TIMEOUT_MS });
  return items.map(({ metadata }) => metadata.name);
}

async function choicesOf(session: Session, target: string): Promise<Candidate[]> {
  const plan = await findPlan(session, target);
  return (plan.status?.tiles ?? []).flatMap((tile) =>
    tile.alternatives
      .filter(({ available }) => available)
      .map(({ id, title }) => ({ value: `${tile.name.toLowerCase()}=${id}`, help: title })),
  );
}
