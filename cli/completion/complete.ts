import type { Command, Option } from 'commander';
import { TILES } from '../choices.ts';

/** What stands at the place of the cursor and must be looked up. */
export type Wanted =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  | { readonly kind: 'targets'; readonly types: readonly string[] }
  | { readonly kind: 'namesOf'; readonly type: string }
  | { readonly kind: 'choices'; readonly target: string }
  | { readonly kind: 'namespaces' }
  | { readonly kind: 'contexts' }
  | { readonly kind: 'files' };

export interface Candidate {
  readonly value: string;
  readonly help?: string;
}

/** Kinds whose names each command's first argument may be. */
const TARGETS: Readonly<Record<string, readonly string[]>> = {
  approve: ['goals', 'plans'],
  deny: ['goals', 'plans'],
  select: ['goals', 'plans'],
  plan: ['goals'],
  watch: ['goals'],
  describe: ['goals', 'plans', 'jobs'],
  pause: ['goals', 'jobs'],
  resume: ['goals', 'jobs'],
  terminate: ['goals', 'jobs'],
  raise: ['goals'],
  logs: ['goals', 'jobs'],
  checkpoints: ['goals', 'jobs'],
  download: ['goals', 'jobs'],
  cost: ['goals'],
  try: ['goals', 'jobs'],
};

const PHASES = ['AwaitingApproval', 'Running', 'Frozen', 'Paused', 'Succeeded', 'Failed', 'done'];

/** Works out what the last of `words` (possibly empty) may be. `words` come without the program's own name. */
export function wantedAt(program: Command, words: readonly string[]): Wanted {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const { command, positionals, pending } = walk(program, before);
  const [, inlineName, inlineValue] = /^(--[\w-]+)=(.*)$/.exec(current) ?? [];
  if (inlineName !== undefined && inlineValue !== undefined) {
    const option = optionOf(command, inlineName);
    return option === undefined ? nothing : valuesFor(option);
  }
  if (pending !== undefined) return valuesFor(pending);
  if (current.startsWith('-')) return { kind: 'words', words: optionsOf(command) };
  if (command.commands.length > 0) return { kind: 'words', words: commandsOf(command) };
  return positional(command.name(), positionals);
}

const nothing: Wanted = { kind: 'words', words: [] };

/** Follows the words already typed: which command they lead to, its arguments so far, an option that waits for its value. */
function walk(
  program: Command,
  words: readonly string[],
): { command: Command; positionals: string[]; pending: Option | undefined } {
  let command = program;
  let pending: Option | undefined;
  const positionals: string[] = [];
  for (const word of words) {
    if (pending !== undefined) pending = undefined;
    else if (word.startsWith('-')) {
      const option = word.includes('=') ? undefined : optionOf(command, word);
      if (option !== undefined && (option.required || option.optional)) pending = option;
    } else {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (next === undefined) positionals.push(word);
      else command = next;
    }
  }
  return { command, positionals, pending };
}

function allOptions(command: Command): Option[] {
  return command.parent === null ? [...command.options] : [...command.options, ...allOptions(command.parent)];
}

function optionOf(command: Command, flag: string): Option | undefined {
  return allOptions(command).find((option) => option.long === flag || option.short === flag);
}

function optionsOf(command: Command): Candidate[] {
  const options = allOptions(command).filter((option) => !option.hidden);
  return [
    ...options.map((option) => ({ value: option.long ?? option.flags, help: option.description })),
    { value: '--help', help: 'help for the command' },
  ];
}

function commandsOf(command: Command): Candidate[] {
  return command.commands
    .filter((one) => !one.name().startsWith('_'))
    .map((one) => ({ value: one.name(), help: one.summary() || one.description() }));
}

function valuesFor(option: Option): Wanted {
  if (option.argChoices !== undefined) return { kind: 'words', words: option.argChoices.map((value) => ({ value })) };
  switch (option.long ?? '') {
    case '--namespace':
      return { kind: 'namespaces' };
    case '--context':
      return { kind: 'contexts' };
    case '--until':
      return { kind: 'words', words: PHASES.map((value) => ({ value })) };
    case '--filename':
    case '--policy':
    case '--provider':
    case '--kubeconfig':
    case '--directory':
    case '--prompts':
    case '--data-dir':
    case '--work-dir':
    case '--kubeconfig-out':
      return { kind: 'files' };
    case '--set':
      return { kind: 'words', words: TILES.map((tile) => ({ value: `${tile}=` })) };
    default:
      return nothing;
  }
}

function positional(command: string, before: readonly string[]): Wanted {
  if (command === 'get') {
    const [kind] = before;
    return kind === undefined ? { kind: 'words', words: KIND_WORDS } : { kind: 'namesOf', type: kind };
  }
  if (command === 'intent' || command === 'estimates') return before.length === 0 ? { kind: 'files' } : nothing;
  if (command === 'completion') return { kind: 'words', words: ['bash', 'zsh', 'fish'].map((value) => ({ value })) };
  if (command === 'select' && before[0] !== undefined) return { kind: 'choices', target: before[0] };
  const types = TARGETS[command];
  return types === undefined || before.length > 0 ? nothing : { kind: 'targets', types };
}

const KIND_WORDS: readonly Candidate[] = ['goals', 'plans', 'jobs', 'policies', 'providers'].map((value) => ({
  value,
}));

/** The commands whose first argument names an object; a test holds the table against the program. */
export const COMPLETED_COMMANDS: readonly string[] = Object.keys(TARGETS);
