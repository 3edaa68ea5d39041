import { parseArgs } from 'node:util';
import { cacheRoot } from './binaries/cache.ts';
import { PROGRAM_GROUPS, PROGRAMS, type ProgramName } from './binaries/programs.ts';
import { stderrProgress } from './binaries/progress.ts';
import { locateProgram, resolvePrograms } from './binaries/resolve.ts';
import { startControlPlane } from './controlplane.ts';
import { nodeUnavailable } from './node/available.ts';
import { chooseSource, sourceFacts } from './source.ts';

const USAGE = `Usage: node tools/controlplane/cli.ts COMMAND
  up [--node] [--data DIR] [--apply PATH]...
        start a control plane, with --node one that runs pods; print KUBECONFIG=..., stay until Ctrl-C
  build [--for GROUP]... [PROGRAM]...
        build what is missing (default: --for control)
  where
        say which cluster would be used, whether a node can run, and where each program is
Groups: ${Object.keys(PROGRAM_GROUPS).join(', ')}
Programs: ${Object.keys(PROGRAMS).join(', ')}`;

/** A person ended a build. */
class Interrupted extends Error {}

/** Runs one command; resolves with the exit code. Standard output is for programs, standard error for people. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      node: { type: 'boolean', default: false },
      for: { type: 'string', multiple: true, default: [] },
      apply: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (command === 'up') return up(values);
  if (command === 'build') return build(values.for, rest);
  if (command === 'where') return where();
  console.error(USAGE);
  return 2;
}

interface UpOptions {
  readonly data?: string | undefined;
  readonly node: boolean;
  readonly apply: readonly string[];
}

async function up({ data, node, apply }: UpOptions): Promise<number> {
  const interrupt = new AbortController();
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        interrupt.abort(new Interrupted(`Ended by ${signal}.`));
        resolve();
      });
    }
  });
  const controlPlane = await startControlPlane({
    signal: interrupt.signal,
    node,
    ...(data !== undefined && { dataDirectory: data }),
  });
  try {
    await controlPlane.applyManifests(apply);
    console.log(`KUBECONFIG=${controlPlane.kubeconfigPath}`);
    console.error('Running; Ctrl-C ends it.');
    await Promise.race([interrupted, controlPlane.whenFailed()]);
    await controlPlane.stop();
    return 0;
  } catch (error) {
    await controlPlane.stop({ keepLogs: true });
    throw error;
  }
}

async function build(groups: readonly string[], names: readonly string[]): Promise<number> {
  const unknown = [...names.filter((name) => !isProgram(name)), ...groups.filter((name) => !isGroup(name))];
  if (unknown.length > 0) throw new Error(`No such program or group: ${unknown.join(', ')}.\n${USAGE}`);
  const asked = [...groups.filter(isGroup).flatMap((name) => PROGRAM_GROUPS[name]), ...names.filter(isProgram)];
  const wanted = asked.length > 0 ? new Set<ProgramName>(asked) : PROGRAM_GROUPS.control;
  const env = process.env;
  const programs = await resolvePrograms([...wanted], { cache: cacheRoot(env), env, progress: stderrProgress() });
  for (const { path } of programs.values()) console.log(path);
  return 0;
}

function where(): number {
  const env = process.env;
  console.log(`source: ${chooseSource(sourceFacts(undefined, env))}`);
  console.log(`node: ${nodeUnavailable() ?? 'can run here'}`);
  for (const name of Object.keys(PROGRAMS).filter(isProgram)) {
    const found = locateProgram(name, { env, cache: cacheRoot(env) });
    console.log(`${name}: ${found ? `${found.path} (${found.origin})` : 'to be built'}`);
  }
  return 0;
}

function isGroup(name: string): name is keyof typeof PROGRAM_GROUPS {
  return Object.hasOwn(PROGRAM_GROUPS, name);
}

function isProgram(name: string): name is ProgramName {
  return Object.hasOwn(PROGRAMS, name);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof Interrupted ? 130 : 1;
}
