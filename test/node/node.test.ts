import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { silentProgress } from '@kriptik/tools/controlplane/binaries/progress.ts';
import { resolvePrograms } from '@kriptik/tools/controlplane/binaries/resolve.ts';
import { sweepRuns } from '@kriptik/tools/controlplane/processes/sweep.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TrainerImage, trainerImage } from '../support/images.ts';
import { nodeUnavailableHere, startNode, type TestNode } from '../support/node.ts';
import { logOf, makePod, podIn, podsOfJob, pythonPod } from '../support/pods.ts';
import { waitFor } from '../support/wait.ts';

const run = promisify(execFile);
const unavailable = nodeUnavailableHere();
if (unavailable !== undefined) console.warn(`no pods can be run here, so none are tested: ${unavailable}`);

/** Serves the root of its own file system. */
const SERVE = `
import http.server, os
os.chdir("/")
http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)
`;

describe.skipIf(unavailable !== undefined)('a node of our own', () => {
  let node: TestNode;
  let image: TrainerImage;

  beforeAll(async () => {
    image = await trainerImage();
    node = await startNode({ source: 'embedded' });
    await node.importImage(image.path);
  }, 900_000);
  afterAll(async () => {
    await node?.stop();
    if (node !== undefined) expect(await traces(node.nodeName)).toEqual([]);
  }, 60_000);

  it('runs a pod of an image named by its digest to its end, and shows what it wrote', async () => {
    await makePod(node.client, 'once', pythonPod(image, 'import os; print("hello from", os.getuid())'));
    await podIn(node.client, 'once', 'Succeeded');
    expect(await logOf(node.client, 'once')).toBe('hello from 1000\n');
  });

  it('can be reached in its pods from here, through the API server and by exec, and reaches this machine', async () => {
    await makePod(node.client, 'web', pythonPod(image, SERVE));
    const { status } = await podIn(node.client, 'web', 'Running');
    const here = createServer((_request, response) => response.end('from outside'));
    await new Promise<void>((listening) => here.listen(0, node.hostAddress, listening));
    try {
      await waitFor('the web server', () =>
        fetch(`http://${status.podIP}:8080/etc/`).then(
          (r) => r.ok || undefined,
          () => undefined,
        ),
      );
      const proxied = await node.client.call('GET', '/api/v1/namespaces/default/pods/web:8080/proxy/etc/passwd');
      expect(proxied).toContain('kriptik:x:1000');
      const address = here.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      const fetching = `import urllib.request as u; print(u.urlopen("http://${node.hostAddress}:${port}").read())`;
      expect(await exec(node, 'web', ['python', '-c', fetching])).toContain('from outside');
    } finally {
      here.close();
    }
  });

  it('lets the pods of an indexed job find each other by the names of its headless service', async () => {
    const metadata = { name: 'pair', namespace: 'default' };
    const selector = { 'job-name': 'pair' };
    await node.cluster.applyManifests([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector },
      } as never,
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata,
        spec: {
          completions: 2,
          parallelism: 2,
          completionMode: 'Indexed',
          backoffLimit: 0,
          template: { spec: { ...pythonPod(image, MEET), subdomain: 'pair' } },
        },
      } as never,
    ]);
    const succeeded = async () => {
      const pods = await podsOfJob(node.client, 'pair');
      return pods.length === 2 && pods.every(({ status }) => status.phase === 'Succeeded') ? pods : undefined;
    };
    const done = await waitFor('both pods', succeeded, { timeoutMs: 180_000 });
    const logs = await Promise.all(done.map(({ metadata: { name } }) => logOf(node.client, name)));
    expect(logs.sort()).toEqual(['0 heard from 1\n', '1 heard from 0\n']);
  });

  it('goes on with its pods while the API server is away', async () => {
    const before = await podIn(node.client, 'web', 'Running');
    await node.stopApiServer();
    await expect(node.client.send('GET', '/readyz')).rejects.toThrow();
    const answer = await fetch(`http://${before.status.podIP}:8080/etc/`);
    expect(answer.ok).toBe(true);
    await node.startApiServer();
    expect((await podIn(node.client, 'web', 'Running')).status.podIP).toBe(before.status.podIP);
  });

  it('is drained of pods, and takes pods again', async () => {
    await node.drain();
    expect((await node.client.send('GET', '/api/v1/namespaces/default/pods/web')).status).toBe(404);
    await makePod(node.client, 'late', pythonPod(image, 'print("late")'));
    await waitFor('a pod that finds no node', async () => {
      const pod = (await node.client.call('GET', '/api/v1/namespaces/default/pods/late')) as Awaited<
        ReturnType<typeof podIn>
      >;
      return (
        pod.status.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'False') || undefined
      );
    });
    await node.uncordon();
    await podIn(node.client, 'late', 'Succeeded');
  });

  it('counts memory: a pod that takes more than its limit is killed', async () => {
    await makePod(node.client, 'greedy', pythonPod(image, 'x = bytearray(600 * 1024 * 1024)'));
    const { status } = await podIn(node.client, 'greedy', 'Failed');
    expect(status).toMatchObject({
      containerStatuses: [{ state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }],
    });
  });

  it('goes on while another is stopped with pods running, of which nothing is left', async () => {
    const other = await startNode({ source: 'embedded' });
    try {
      expect(other.nodeName).not.toBe(node.nodeName);
      await other.importImage(image.path);
      await makePod(other.client, 'web', pythonPod(image, SERVE));
      await podIn(other.client, 'web', 'Running');
      expect(await traces(other.nodeName)).not.toEqual([]);
      await other.stop();
      expect(await traces(other.nodeName)).toEqual([]);
      expect(existsSync(dirname(other.kubeconfig))).toBe(false);
    } finally {
      await other.stop();
    }
    expect((await node.client.send('GET', '/readyz')).status).toBe(200);
    expect(await traces(node.nodeName)).not.toEqual([]);
  }, 300_000);
});

describe.skipIf(unavailable !== undefined)('nothing is left of a node', () => {
  it('after the process that started it was killed with -9', async () => {
    const { owner, name } = await startElsewhere();
    expect(await traces(name)).not.toEqual([]);
    owner.kill('SIGKILL');
    await waitFor('an end without traces', async () => ((await traces(name)).length === 0 ? true : undefined));
  }, 300_000);

  it('after its supervisor was killed as well, once the next control plane is about to start', async () => {
    // Where no other suite clears what dead owners left.
    const elsewhere = mkdtempSync(join(tmpdir(), 'kriptik-left-'));
    const { owner, name, directory } = await startElsewhere({ TMPDIR: elsewhere });
    const commands = globSync('/proc/[0-9]*/cmdline');
    const supervisor = commands.find((path) => mentions(path, 'supervisor.ts') && mentions(path, directory));
    process.kill(Number(supervisor?.split('/')[2]), 'SIGKILL');
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(await traces(name)).not.toEqual([]);
    await sweepRuns(dirname(directory), Date.now());
    expect(await traces(name)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    rmSync(elsewhere, { recursive: true });
  }, 300_000);
});

/** A node whose owner is another process, with `env` added to its environment. */
async function startElsewhere(env: NodeJS.ProcessEnv = {}) {
  const script = join(import.meta.dirname, '..', 'support', 'node-process.ts');
  const owner = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let output = '';
  owner.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [, name = '', directory = ''] = await waitFor(
    'a node',
    () => output.match(/^node (\S+) (\S+)$/m) ?? undefined,
    {
      timeoutMs: 280_000,
    },
  );
  return { owner, name, directory };
}

/** Each says the name of its own rank to the other, found by name. */
const MEET = `
import os, socket, time
rank = int(os.environ["JOB_COMPLETION_INDEX"])
server = socket.create_server(("", 9000))
for attempt in range(100):
    try:
        peer = socket.create_connection((f"pair-{1 - rank}.pair", 9000), timeout=5)
        break
    except OSError:
        time.sleep(0.2)
peer.sendall(str(rank).encode())
peer.close()
print(rank, "heard from", server.accept()[0].recv(8).decode())
`;

async function exec(node: TestNode, pod: string, command: readonly string[]): Promise<string> {
  const env = process.env;
  const programs = await resolvePrograms(['kubectl'], { cache: cacheRoot(env), env, progress: silentProgress });
  const kubectl = programs.get('kubectl')?.path ?? '';
  return (await run(kubectl, ['--kubeconfig', node.kubeconfig, 'exec', pod, '--', ...command])).stdout;
}

/** What this machine shows of a node: interfaces, control groups, mounts, processes. */
async function traces(nodeName: string): Promise<string[]> {
  const link = nodeName.replace('-', '');
  return [
    ...Object.keys(networkInterfaces()).filter((name) => name === link),
    ...globSync(`/sys/fs/cgroup/{,*/}${nodeName}`),
    ...readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(nodeName)),
    ...globSync('/proc/[0-9]*/cgroup').filter((path) => mentions(path, nodeName)),
    ...globSync('/proc/[0-9]*/cmdline').filter((path) => mentions(path, nodeName)),
  ];
}

function mentions(path: string, text: string): boolean {
  try {
    return readFileSync(path, 'utf8').includes(text);
  } catch {
    // The process has ended since.
    return false;
  }
}
