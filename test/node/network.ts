import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { PAUSE_IMAGE } from '@kriptik/tools/controlplane/node/containerd.ts';
import { waitFor } from '../support/wait.ts';

/** Long enough for a connection on one machine, and for a refusal; what is dropped never answers. */
const CONNECT_MS = 2_000;
/** What is let through comes at once, but for a machine that is busy. */
const BUSY_MS = 30_000;

const DIAL = `const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1]);
socket.on('connect', () => process.exit(0)).on('error', () => process.exit(1));
setTimeout(() => process.exit(1), Number(process.argv[3]));`;

const LISTEN = `require('node:net').createServer().listen(Number(process.argv[1]), '0.0.0.0', () => console.log('listens'));`;

/** Whether a connection opens from inside the network of a process, such as one of a pod; `expected` decides the patience. */
export async function reaches(pid: number, host: string, port: number, expected: boolean): Promise<boolean> {
  const patience = expected ? BUSY_MS : CONNECT_MS;
  const args = ['--target', String(pid), '--net', process.execPath, '-e', DIAL, host, String(port), String(patience)];
  const child = execFile('nsenter', args);
  await once(child, 'exit');
  return child.exitCode === 0;
}

/** Listens on a port inside the network of a process until it is ended. */
export async function listenIn(pid: number, port: number): Promise<() => Promise<void>> {
  const args = ['--target', String(pid), '--net', process.execPath, '-e', LISTEN, String(port)];
  const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
}

/** A server of this machine that pods have no business with. */
export async function listenHere(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.destroy()).listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port };
}

/** Starts a pod that belongs to nobody's training and resolves with a process of it. */
export async function strangerPod(
  client: KubeClient,
  name: string,
): Promise<{ pid: number; remove: () => Promise<void> }> {
  const path = '/api/v1/namespaces/default/pods';
  const spec = { containers: [{ name: 'stranger', image: PAUSE_IMAGE, imagePullPolicy: 'Never' }] };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
  const { metadata } = await client.raw<{ metadata: { uid: string } }>('POST', path, { body });
  // Before it runs there are processes in its control group that are not yet in its network.
  await waitFor(`pod ${name} to run`, async () => {
    const pod = await client.raw<{ status: { phase: string } }>('GET', `${path}/${name}`);
    return pod.status.phase === 'Running' ? true : undefined;
  });
  const pid = await waitFor(`a process of pod ${name}`, () => pidOf(metadata.uid));
  const remove = async () => void (await client.raw('DELETE', `${path}/${name}`, { body: { gracePeriodSeconds: 0 } }));
  return { pid, remove };
}

/** A process in the control group of a pod; undefined while there is none. */
async function pidOf(uid: string): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const group = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    if (group.includes(uid) || group.includes(uid.replaceAll('-', '_'))) return Number(pid);
  }
  return undefined;
}
