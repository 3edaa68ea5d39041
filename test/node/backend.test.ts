/** The Kubernetes backend on a real node: pods of a real kubelet, with a stand-in for the trainer's Python package. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubernetesSettings } from '@kriptik/operator/backends/kubernetes/settings.ts';
import { Bench } from '@kriptik/operator/backends/kubernetes/testing/bench.ts';
import { until } from '@kriptik/operator/backends/testing/until.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TrainerImage, trainerImage } from '../support/images.ts';
import { nodeUnavailableHere, startNode, type TestNode } from '../support/node.ts';

const why = nodeUnavailableHere();
if (why !== undefined) console.log(`no pods are run: ${why}`);

/** For each change of a pod, on a machine that other suites keep busy. */
const PATIENCE_MS = 180_000;
/** Time to save on a busy machine; who listens needs half a second. */
const GRACE_SECONDS = 120;

/** Does what the last part of the attempt's name says, and looks at what a trainer would find. */
const STAND_IN = `
import json, os, signal, sys, time
spec = json.load(open("/kriptik/spec.json"))
role = spec["attempt"].split("-")[0]
print("role", role, "rank", os.environ.get("JOB_COMPLETION_INDEX"), flush=True)
if role == "looks":
    found = {
        "uid": os.getuid(),
        "token": open("/kriptik/token").read(),
        "writable": [path for path in ("/", "/scratch", "/tmp", "/dev/shm", "/kriptik") if os.access(path, os.W_OK)],
        "account": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount"),
        "caps": [line for line in open("/proc/self/status") if line.startswith("CapEff")][0].split()[1],
        "services": [name for name in os.environ if name.endswith("_SERVICE_HOST") and not name.startswith("KUBERNETES_")],
        "env": {name: os.environ.get(name) for name in ("KRIPTIK_NODES", "KRIPTIK_PROCESSES", "KRIPTIK_MASTER")},
    }
    print(json.dumps(found), flush=True)
    open("/dev/termination-log", "w").write(json.dumps({"outcome": "failed", "error": {"code": "test", "message": "it only looked"}}))
    sys.exit(20)
if role == "eats":
    held = bytearray(1)
    while True:
        held += bytearray(16 * 1024 * 1024)
if role == "meets":
    import socket
    peer = f"{spec['attempt']}-{1 - int(os.environ['JOB_COMPLETION_INDEX'])}.{spec['attempt']}"
    for _ in range(300):
        try:
            print("address of", peer, socket.gethostbyname(peer), flush=True)
            break
        except OSError:
            time.sleep(0.2)
    else:
        sys.exit(40)
    if os.environ["JOB_COMPLETION_INDEX"] == "1":
        sys.exit(30)
def told(number, frame):
    print("told", number, flush=True)
    if role == "deaf":
        return
    time.sleep(0.5)
    print("saved", flush=True)
    sys.exit(10)
signal.signal(signal.SIGTERM, told)
print("ready", flush=True)
while True:
    time.sleep(0.1)
`;

describe.runIf(why === undefined)('on a real node', () => {
  let node: TestNode;
  let bench: Bench;
  let image: TrainerImage;
  let folder: string;
  let settings: Partial<KubernetesSettings>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kriptik-stand-in-'));
    // Pods run as a user of their own.
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'kriptik_trainer'));
    writeFileSync(join(folder, 'kriptik_trainer', '__init__.py'), '');
    writeFileSync(join(folder, 'kriptik_trainer', '__main__.py'), STAND_IN);
    image = await trainerImage();
    node = await startNode();
    await node.importImage(image.path);
    bench = await Bench.open(node.kubeconfig);
    settings = {
      spec: {
        image: image.reference,
        imagePullPolicy: 'Never',
        volumes: [...image.volumes, { name: 'stand-in', hostPath: folder, mountPath: '/stand-in' }],
        env: [{ name: 'PYTHONPATH', value: '/stand-in' }],
        resources: { cpu: '100m', memory: '128Mi', scratch: '64Mi', sharedMemory: '16Mi' },
        terminationGracePeriodSeconds: GRACE_SECONDS,
      },
    };
  }, 600_000);

  afterAll(async () => {
    await bench?.close();
    await node?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const state: Bench['state'] = (backend, name, wanted) => bench.state(backend, name, wanted, PATIENCE_MS);
  const logOf = async (name: string): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of bench.backend(settings).logs(name, {})) lines.push(line);
    return lines;
  };

  it('finds its files, and nothing that it should not', async () => {
    const backend = bench.backend(settings);
    await backend.launch(bench.request('looks-1'));
    const { exit, billedFrom } = await state(backend, 'looks-1', 'exited');
    expect(exit).toMatchObject({ code: 20, reason: 'exited', message: 'it only looked' });
    expect(exit?.at).toBeGreaterThanOrEqual(billedFrom ?? Number.POSITIVE_INFINITY);
    const found = JSON.parse((await logOf('looks-1'))[1] ?? '{}') as object;
    expect(found).toEqual({
      uid: 65_532,
      token: 'token-of-looks-1',
      writable: ['/scratch', '/tmp', '/dev/shm'],
      account: false,
      caps: '0000000000000000',
      services: [],
      env: { KRIPTIK_NODES: '1', KRIPTIK_PROCESSES: '1', KRIPTIK_MASTER: null },
    });
  });

  it('is told, saves and is gone; its log follows to the end', async () => {
    const backend = bench.backend(settings);
    await backend.launch(bench.request('saves-1'));
    await state(backend, 'saves-1', 'running');
    await until('it is ready', async () => (await logOf('saves-1')).includes('ready'), PATIENCE_MS);
    const lines: string[] = [];
    const followed = (async () => {
      for await (const line of backend.logs('saves-1', { follow: true, tailLines: 1 })) lines.push(line);
    })();
    // From where the log was then it is followed.
    await until('the log is followed', async () => lines.length > 0, PATIENCE_MS);
    await backend.terminate('saves-1', { graceMs: GRACE_SECONDS * 1000 });
    const { exit } = await state(backend, 'saves-1', 'exited');
    expect(exit).toMatchObject({ code: 10, reason: 'terminated' });
    await followed;
    expect(lines).toEqual(['ready', 'told 15', 'saved']);
    await until('the pod is gone', async () => (await bench.pods('saves-1')).length === 0, PATIENCE_MS);
    expect((await backend.find('saves-1'))?.exit?.at).toBe(exit?.at);
  });

  it('that does not listen is killed after its grace', async () => {
    const backend = bench.backend(settings);
    await backend.launch(bench.request('deaf-1'));
    await until(
      'it is ready',
      async () => (await state(backend, 'deaf-1', 'running')) && (await logOf('deaf-1')).includes('ready'),
      PATIENCE_MS,
    );
    const asked = Date.now();
    await backend.terminate('deaf-1', { graceMs: 0 });
    await state(backend, 'deaf-1', 'exited');
    // Not the grace that its pod came with.
    expect(Date.now() - asked).toBeLessThan((GRACE_SECONDS / 2) * 1000);
  });

  it('is ended by the cluster at the hard deadline, with nobody asking', async () => {
    const grace = 5;
    const backend = bench.backend({ ...settings, spec: { ...settings.spec, terminationGracePeriodSeconds: grace } });
    const hardDeadline = Date.now() + 15_000;
    for (const name of ['saves-4', 'deaf-2']) await backend.launch(bench.request(name, { hardDeadline }));
    const told = await state(backend, 'saves-4', 'exited');
    expect(told.exit?.reason).toBe('hardDeadline');
    expect(told.exit?.at).toBeLessThanOrEqual(hardDeadline);
    // One that does not listen is killed at the deadline itself, and no later than the kill takes.
    const killed = await state(backend, 'deaf-2', 'exited');
    expect(killed.exit?.reason).toBe('hardDeadline');
    expect(killed.exit?.at).toBeLessThan(hardDeadline + grace * 1000);
  });

  it('that needs too much memory is seen to have', async () => {
    const backend = bench.backend(settings);
    await backend.launch(bench.request('eats-1'));
    const { exit } = await state(backend, 'eats-1', 'exited');
    expect(exit).toMatchObject({ signal: 'SIGKILL', reason: 'memoryLimit' });
    expect(exit?.message).toContain('128Mi');
  });

  it('whose image is not there says so', async () => {
    const missing = `kriptik.local/none@sha256:${'b'.repeat(64)}`;
    const backend = bench.backend({ ...settings, spec: { ...settings.spec, image: missing } });
    await backend.launch(bench.request('absent-1'));
    const why = async () => {
      const found = await backend.find('absent-1');
      return found?.waiting?.reason === 'ImagePull' ? found : undefined;
    };
    const instance = await until('it says why it waits', why, PATIENCE_MS);
    expect(instance.state).toBe('starting');
    expect(instance.waiting?.message).toContain('kubernetes.image');
    await backend.terminate('absent-1', { graceMs: 0 });
    await state(backend, 'absent-1', 'exited');
  });

  it('of two machines has pods that find each other, and ends when one fails', async () => {
    const backend = bench.backend(settings);
    await backend.launch(bench.request('meets-1', { shape: { gpu: 'cpu', gpuCount: 0, nodes: 2 } }));
    const { exit } = await state(backend, 'meets-1', 'exited');
    expect(exit).toMatchObject({ code: 30, reason: 'exited' });
    expect((await bench.pods('meets-1')).every((pod) => pod.status?.phase !== 'Running')).toBe(true);
  });

  it('on a node that is drained ends as evicted', async () => {
    const backend = bench.backend(settings);
    await backend.launch(bench.request('saves-2'));
    await until(
      'it is ready',
      async () => (await state(backend, 'saves-2', 'running')) && (await logOf('saves-2')).includes('ready'),
      PATIENCE_MS,
    );
    await node.drain();
    try {
      const { exit } = await state(backend, 'saves-2', 'exited');
      expect(exit?.reason).toBe('evicted');
    } finally {
      await node.uncordon();
    }
  });

  it('on a node that falls silent is not gone, however long it is asked to be', async () => {
    const backend = bench.backend(settings);
    await backend.launch(bench.request('saves-3'));
    await state(backend, 'saves-3', 'running');
    await node.stopKubelet();
    try {
      const lost = await until(
        'the node is missed',
        async () => {
          const found = await backend.find('saves-3');
          return found?.waiting?.reason === 'NodeLost' ? found : undefined;
        },
        PATIENCE_MS,
      );
      expect(lost.state).toBe('running');
      expect(lost.waiting?.message).toContain(`kubectl delete node ${node.nodeName}`);
      await backend.terminate('saves-3', { graceMs: 1_000 });
      await until(
        'the pod is told',
        async () => (await bench.pods('saves-3'))[0]?.metadata.deletionTimestamp !== undefined,
        PATIENCE_MS,
      );
      expect((await backend.find('saves-3'))?.state).toBe('running');
    } finally {
      await node.startKubelet();
    }
    expect((await state(backend, 'saves-3', 'exited')).exit?.reason).toBe('terminated');
  });
});
