import type { Command } from 'commander';
import type { Open } from './commands/open.ts';

/** Adds a command to the program. */
export type Register = (program: Command, open: Open) => void;

interface Entry {
  readonly name: string;
  readonly load: () => Promise<Register>;
}

/** In the order a person needs them. Each module is loaded only when its command is asked for, or all are. */
const ENTRIES: readonly Entry[] = [
  { name: 'up', load: async () => (await import('./commands/up.ts')).registerUp },
  { name: 'plan', load: async () => (await import('./commands/plan.ts')).registerPlan },
  { name: 'apply', load: async () => (await import('./commands/apply.ts')).registerApply },
  { name: 'get', load: async () => (await import('./commands/get.ts')).registerGet },
  { name: 'describe', load: async () => (await import('./commands/describe.ts')).registerDescribe },
  { name: 'approve', load: async () => (await import('./commands/approve.ts')).registerApprove },
  { name: 'deny', load: async () => (await import('./commands/approve.ts')).registerDeny },
  { name: 'select', load: async () => (await import('./commands/select.ts')).registerSelect },
  { name: 'watch', load: async () => (await import('./commands/watch.ts')).registerWatch },
  { name: 'logs', load: async () => (await import('./commands/logs.ts')).registerLogs },
  { name: 'pause', load: async () => (await import('./commands/scale.ts')).registerPause },
  { name: 'resume', load: async () => (await import('./commands/scale.ts')).registerResume },
  { name: 'raise', load: async () => (await import('./commands/raise.ts')).registerRaise },
  { name: 'terminate', load: async () => (await import('./commands/terminate.ts')).registerTerminate },
  { name: 'checkpoints', load: async () => (await import('./commands/checkpoints.ts')).registerCheckpoints },
  { name: 'download', load: async () => (await import('./commands/download.ts')).registerDownload },
  { name: 'cost', load: async () => (await import('./commands/cost.ts')).registerCost },
  { name: 'try', load: async () => (await import('./commands/try.ts')).registerTry },
  { name: 'catalog', load: async () => (await import('./commands/catalog.ts')).registerCatalog },
  { name: 'eval', load: async () => (await import('./commands/eval.ts')).registerEval },
  { name: 'doctor', load: async () => (await import('./commands/doctor.ts')).registerDoctor },
  { name: 'version', load: async () => (await import('./commands/version.ts')).registerVersion },
  { name: 'completion', load: async () => (await import('./commands/completion.ts')).registerCompletion },
];

/** Every command. */
export function allCommands(): Promise<Register[]> {
  return Promise.all(ENTRIES.map(({ load }) => load()));
}

/**
 * The commands that a command line may mean: those that one of its words names, else all of them, as help, completion
 * and a word that is no command need. Loading all of them takes longer than most of them take to run.
 */
export function commandsFor(args: readonly string[]): Promise<Register[]> {
  const meant = ENTRIES.filter(({ name }) => args.includes(name));
  const whole = meant.length === 0 || args.some((word) => word === 'help' || word === '__complete');
  return whole ? allCommands() : Promise.all(meant.map(({ load }) => load()));
}
