/** The commands of examples/cluster/README.md, run as they stand there. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { stderrProgress } from '@kriptik/tools/controlplane/binaries/progress.ts';
import { resolvePrograms } from '@kriptik/tools/controlplane/binaries/resolve.ts';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const APPLIED: ReadonlySet<string> = new Set(['config', 'crds', 'webhooks']);
const run = promisify(execFile);

let cluster: ControlPlane;
let folder: string;
let env: NodeJS.ProcessEnv;
let blocks: string[];
let operator: ChildProcess | undefined;

beforeAll(async () => {
  const own = process.env;
  const programs = await resolvePrograms(['kubectl'], { cache: cacheRoot(own), env: own, progress: stderrProgress() });
  cluster = await startControlPlane({ source: 'embedded' });
  const node = {
    metadata: { name: 'node-1', labels: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' } },
    status: { allocatable: { 'nvidia.com/gpu': '8', cpu: '64', memory: '1Ti' } },
  };
  await cluster.client.call('POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', ...node } });
  // As in the repository, and nothing is left in it. kubectl follows no links to folders.
  folder = await mkdtemp(join(tmpdir(), 'kriptik-example-'));
  for (const name of await readdir(ROOT)) {
    const [there, here] = [join(ROOT, name), join(folder, name)];
    if (APPLIED.has(name)) await cp(there, here, { recursive: true });
    else await symlink(there, here);
  }
  env = {
    ...own,
    PATH: `${dirname(programs.get('kubectl')?.path ?? '')}:${own['PATH']}`,
    KUBECONFIG: cluster.kubeconfigPath,
    HOME: folder,
    IMAGE: `registry.example.com/trainer@sha256:${'1'.repeat(64)}`,
    STORE_ENDPOINT: 'http://127.0.0.1:7070',
    STORE_KEY: 'key',
    STORE_SECRET: 'secret',
    HF_HUB_OFFLINE: '1',
    ANTHROPIC_API_KEY: '',
    KRIPTIK_LOG_LEVEL: 'warn',
  };
  const text = await readFile(join(ROOT, 'examples', 'cluster', 'README.md'), 'utf8');
  blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, commands = '']) => commands);
});
afterAll(async () => {
  if (operator !== undefined && operator.exitCode === null) {
    operator.kill('SIGTERM');
    await once(operator, 'exit');
  }
  await cluster?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Runs the block of commands that holds `word`, and resolves with what it prints. */
async function commands(word: string): Promise<string> {
  const found = blocks.filter((block) => block.includes(word));
  expect(found).toHaveLength(1);
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', found[0] ?? ''], { cwd: folder, env });
  return stdout;
}

describe('the example of a cluster', () => {
  it('installs, gives the operator its rights and no more, and gets the nodes ready', async () => {
    await commands('kubectl apply --server-side');
    await commands('create namespace');
    await commands('create token');
    const kubeconfig = await readFile(join(folder, 'operator.kubeconfig'), 'utf8');
    expect(kubeconfig).not.toMatch(/client-(key|certificate)/);
    const [start = ''] = blocks.filter((block) => block.includes('operator/serve.ts'));
    operator = spawn('bash', ['-c', `export ${start.trim().replace(' ', '; exec ')}`], {
      cwd: folder,
      env,
      stdio: 'inherit',
    });
    expect(await commands('kubectl wait')).toContain('computeprovider.training.kriptik.ai/nodes condition met');
  });

  it('shows what its goal would cost', async () => {
    expect(await commands('bin/kriptik plan -f')).toMatch(/H100/);
  });
});
