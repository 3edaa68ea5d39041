import { parseArgs } from 'node:util';
import { cacheRoot } from './binaries/cache.ts';
import { PROGRAMS, type ProgramName } from './binaries/programs.ts';
import { stderrProgress } from './binaries/progress.ts';
import { locateProgram, resolvePrograms } from './binaries/resolve.ts';
import { startControlPlane } from './controlplane.ts';
import { chooseSource, sourceFacts } from './source.ts';

const USAGE = `Usage: node tools/controlplane/cli.ts COMMAND
  up [--data DIR] [--apply PATH]...   start a control plane, print KUBECONFIG=..., stay until Ctrl-C
  build [PROGRAM]...                  build what is missing (default: etcd, kube-apiserver, kube-controller-manager)
  where                               say which cluster would be used, and where each program is
Programs: ${Object.keys(PROGRAMS).join(', ')}`;

const DEFAULT_PROGRAMS: readonly ProgramName[] = ['etcd', 'kube-apiserver', 'kube-controller-manager'];

/** A person ended a build. */
class Interrupted extends Error {}

/** Runs one command; resolves with the exit code. Standard output is for programs, standard error for people. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      apply: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (command === 'up') return up(values.data, values.apply);
  if (command === 'build') return build(rest);
  if (command === 'where') return where();
  console.error(USAGE);
  return 2;
}

async function up(dataDirectory: string | undefined, manifests: readonly string[]): Promise<number> {
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
    ...(dataDirectory !== undefined && { dataDirectory }),
  });
  try {
    await controlPlane.applyManifests(manifests);
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

async function build(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !isProgram(name));
  if (unknown.length > 0) throw new Error(`No such program: ${unknown.join(', ')}.\n${USAGE}`);
  const wanted = names.length > 0 ? names.filter(isProgram) : DEFAULT_PROGRAMS;
  const env = process.env;
  const programs = await resolvePrograms(wanted, { cache: cacheRoot(env), env, progress: stderrProgress() });
  for (const { path } of programs.values()) console.log(path);
  return 0;
}

function where(): number {
  const env = process.env;
  console.log(`source: ${chooseSource(sourceFacts(undefined, env))}`);
  for (const name of Object.keys(PROGRAMS).filter(isProgram)) {
    const found = locateProgram(name, { env, cache: cacheRoot(env) });
    console.log(`${name}: ${found ? `${found.path} (${found.origin})` : 'to be built'}`);
  }
  return 0;
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
