import type { Command } from 'commander';
import { allCommands } from './commands.ts';
import { EXIT_CODES } from './exitcodes.ts';
import { buildProgram } from './program.ts';

const INTRO = `# The command line

\`kriptik\` plans, approves, follows and steers training. \`bin/kriptik\` runs it from a checkout; \`bin/kubectl-kriptik\` on
PATH makes it \`kubectl kriptik\`. This page is written by \`node cli/write-docs.ts\` from the program's own help, and a
test holds the two together.

- \`-o json|yaml|name\` prints for programs, \`-o wide\` more columns. Remarks for people go to standard error; \`--quiet\`
  leaves them out. Without a terminal nothing is asked, coloured or repainted.
- An approval names the digest of the plan that was shown. If the plan changed meanwhile nothing is approved and the
  exit code is 5. In scripts: \`kriptik approve NAME --yes --digest DIGEST\`.
- \`kriptik plan -f goal.yaml\` needs no cluster, no network and no key: it reads the goal by rules and prices it on the
  published list prices of the catalog, so that the same goal has the same digest on every machine. A cluster that is
  configured, \`--provider\`, \`--rate\`, or a goal that asks to run on this machine change what it is priced on.
- For a pull request: \`kriptik plan -f goal.yaml -o markdown\`; exit code 0 planned, 4 refused, 9 needs clarification,
  10 over policy, 11 cannot be planned.
- Every error says what is wrong, where, and what to do. \`KRIPTIK_DEBUG=1\` adds the stack.
- The kubeconfig is \`--kubeconfig\`, else \`KUBECONFIG\`, else \`~/.kube/config\`, else the one \`kriptik up\` wrote.
- Completion: \`source <(kriptik completion bash)\`; also zsh and fish. Names of objects are completed from the cluster.
`;

/** docs/cli.md: the exit codes, then the help of every command. */
export async function cliDocs(): Promise<string> {
  const program = buildProgram(
    await allCommands(),
    () => {
      throw new Error('help opens no session');
    },
    { out: () => undefined, columns: 100 },
  );
  // Padded as the formatter of the repository wants Markdown tables.
  const width = Math.max(...EXIT_CODES.map(({ meaning }) => meaning.length));
  const row = (code: string, meaning: string): string => `| ${code.padEnd(4)} | ${meaning.padEnd(width)} |`;
  const codes = EXIT_CODES.map(({ code, meaning }) => row(String(code), meaning));
  // The global options stand once at the top, not below every command.
  program.configureHelp({ showGlobalOptions: false });
  const sections = program.commands.flatMap((command) => commandSections(command, 'kriptik'));
  return [
    INTRO,
    `## Exit codes\n\n${[row('code', 'meaning'), row('----', '-'.repeat(width)), ...codes].join('\n')}\n`,
    `## kriptik\n\n\`\`\`text\n${program.helpInformation().trimEnd()}\n\`\`\`\n`,
    ...sections,
  ].join('\n');
}

/** A command and the commands below it; hidden ones are left out. */
function commandSections(command: Command, parent: string): string[] {
  if (command.name().startsWith('_')) return [];
  const name = `${parent} ${command.name()}`;
  command.configureHelp({ showGlobalOptions: false });
  return [
    `## ${name}\n\n\`\`\`text\n${command.helpInformation().trimEnd()}\n\`\`\`\n`,
    ...command.commands.flatMap((sub) => commandSections(sub, name)),
  ];
}
