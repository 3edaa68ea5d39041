import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '@kriptik/tools/controlplane/ports.ts';
import { waitFor } from '../support/wait.ts';
import { type Calls, sumBy } from './api-calls.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** A program of the measurement, ended with `stop`. */
export interface Program {
  readonly pid: number;
  stop(): Promise<void>;
}

/** The operator as it is deployed, in a process of its own. */
export interface Operator extends Program {
  /** Calls to the API server so far, by its own count, by HTTP method and resource. */
  calls(): Promise<Calls>;
}

function programOf(child: ChildProcess): Program {
  const end = (): boolean => child.kill();
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Starts operator/serve.ts with its defaults. With `profileDir` it leaves profiles of CPU and memory there when it ends. */
export async function startOperator(kubeconfig: string, profileDir?: string): Promise<Operator> {
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const profile =
    profileDir === undefined || profileDir === ''
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, '--heap-prof', `--heap-prof-dir=${profileDir}`];
  const child = spawn(process.execPath, [...profile, join(ROOT, 'operator', 'serve.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      KUBECONFIG: kubeconfig,
      KRIPTIK_HTTP_ADDRESS: address,
      KRIPTIK_POD_ACCESS: 'ip',
      KRIPTIK_LOG_LEVEL: 'error',
      HF_HUB_OFFLINE: '1',
      ANTHROPIC_API_KEY: '',
    },
  });
  const text = async (path: string): Promise<string | undefined> => {
    if (child.exitCode !== null) throw new Error(`the operator ended with ${child.exitCode}`);
    const answer = await fetch(`http://${address}${path}`).catch(() => undefined);
    return answer?.ok === true ? await answer.text() : undefined;
  };
  await waitFor('the operator', () => text('/readyz'), { timeoutMs: 300_000 });
  const calls = async (): Promise<Calls> =>
    sumBy((await text('/metrics')) ?? '', 'rest_client_requests_total', 'method', 'resource');
  return { ...programOf(child), calls };
}

/** The API server that listens on the port of this URL, a program of this machine. */
export async function apiServerPid(url: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('kube-apiserver') && command.includes(`--secure-port=${new URL(url).port}`))
      return Number(pid);
  }
  throw new Error(`no API server of this machine listens at ${url}`);
}

/** Starts the trainers of all pods. */
export async function startFleet(kubeconfig: string, namespace: string, bucketDir: string): Promise<Program> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fleet.ts'), kubeconfig, namespace, bucketDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('the trainers did not start; is port 8080 taken?'))),
  ]);
  return programOf(child);
}
