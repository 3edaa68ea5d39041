import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultProxy } from '../support/proxy.ts';
import type { LoggedWrite } from '../support/proxy-call.ts';
import { operatorKubeconfig } from '../support/world.ts';
import type { Lane } from './lane.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** An interpreter that runs the stand-in where the trainer is asked for, and Python for everything else. */
async function standInPython(directory: string): Promise<string> {
  const path = join(directory, 'python');
  const fake = [process.execPath, join(ROOT, 'test', 'support', 'fake-trainer.ts')].map(quoted).join(' ');
  const trainer = `exec ${fake} --step-ms 30 --checkpoint-ms 30 "$@"`;
  const script = `#!/bin/sh\nif [ "$1 $2" = "-m kriptik_trainer" ]; then shift 2; ${trainer}; fi\nexec python3 "$@"\n`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

/** The operator as it is deployed, one of several that elect a leader, each behind a proxy of its own. */
export class Replica {
  readonly child: ChildProcess;
  readonly proxy: FaultProxy;

  private constructor(child: ChildProcess, proxy: FaultProxy) {
    this.child = child;
    this.proxy = proxy;
  }

  static async start(lane: Lane, name: string): Promise<Replica> {
    const { controlPlane, directory, namespace } = lane.world;
    const upstream = await operatorKubeconfig(controlPlane);
    const proxy = await FaultProxy.start({ upstream, scope: { namespace, name: namespace } });
    const kubeconfig = join(directory, `${name}.kubeconfig`);
    await writeFile(kubeconfig, JSON.stringify(proxy.kubeconfig), { mode: 0o600 });
    const child = spawn(process.execPath, [join(ROOT, 'operator', 'serve.ts')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        KUBECONFIG: kubeconfig,
        KRIPTIK_NAMESPACE: 'kriptik-system',
        KRIPTIK_LEADER_ELECTION: 'true',
        KRIPTIK_TRAINER_PYTHON: await standInPython(directory),
        HF_HUB_OFFLINE: '1',
        ANTHROPIC_API_KEY: '',
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.pipe(createWriteStream(lane.world.operatorLog, { flags: 'a' }));
    }
    return new Replica(child, proxy);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the replica could not be started');
    return this.child.pid;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Whether a lease names this process. */
  holds(identity: string | undefined): boolean {
    return identity?.endsWith(`-${this.pid}`) === true;
  }

  /** Writes to goals, plans and jobs since then that changed something. */
  workSince(at: number): LoggedWrite[] {
    return this.proxy.effective.filter(
      (write) => write.at >= at && write.call.resource !== 'leases' && write.call.resource !== 'events',
    );
  }

  async stop(): Promise<void> {
    if (!this.ended) {
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    }
    await this.proxy.stop();
  }
}
