// Every trainer of a cluster whose nodes exist in the API only:
//   node fleet.ts KUBECONFIG NAMESPACE BUCKET_FOLDER
// One server answers at the addresses of all pods: which one is meant, the address that was called tells. When a
// trainer ends, its pod is told to have ended, as a kubelet would. Prints "ready" once it listens.
import { createServer } from 'node:http';
import { CONTAINER, CONTROL_PORT, LABEL, SECRET_KEY } from '@kriptik/operator/backends/kubernetes/names.ts';
import { PODS, type Pod, SECRETS } from '@kriptik/operator/backends/kubernetes/objects.ts';
import { Informer } from '@kriptik/operator/runtime/informer.ts';
import { loadKubeConfig } from '@kriptik/operator/runtime/kubeconfig.ts';
import { createLogger } from '@kriptik/operator/runtime/log.ts';
import { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { keyOf } from '@kriptik/operator/runtime/types.ts';
import { PROTOCOL, trainerSpecFile } from '@kriptik/operator/trainer/spec.ts';
import { answerControl } from '@kriptik/operator/trainer/testing/control-server.ts';
import { type Ending, PodTrainer } from './pod-trainer.ts';

const [kubeconfig = '', namespace = '', bucketDir = ''] = process.argv.slice(2);
const config = loadKubeConfig({ path: kubeconfig });
const client = KubeClient.fromKubeConfig(config, { userAgent: 'kriptik-bench-fleet', qps: 5_000, burst: 5_000 });
const pods = client.resource(PODS);
const secrets = client.resource(SECRETS);

interface Seat {
  readonly uid: string;
  readonly trainer: PodTrainer;
}

const byAddress = new Map<string, Seat>();
/** Uids of pods that were taken up, whatever became of them. */
const taken = new Set<string>();

async function takeUp(pod: Pod, address: string): Promise<void> {
  const { uid = '', name, labels } = pod.metadata;
  const attempt = labels?.[LABEL.attempt] ?? '';
  const secret = await secrets.get({ namespace, name: attempt });
  const text = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
  const { control: _, ...spec } = trainerSpecFile.parse(JSON.parse(text(SECRET_KEY.spec)));
  const end = (ending: Ending): void => {
    tellEnd(pod, attempt, ending).catch((error: unknown) => console.error(`${name}: ${String(error)}`));
  };
  byAddress.set(address, { uid, trainer: new PodTrainer(spec, text(SECRET_KEY.token), bucketDir, end) });
}

async function tellEnd(pod: Pod, attempt: string, { outcome, exitCode, step, checkpoint }: Ending): Promise<void> {
  const now = new Date().toISOString();
  const lastWord = { protocol: PROTOCOL, attempt, rank: 0, outcome, exitCode, step, checkpoint, error: null };
  const unready = new Set(['Ready', 'ContainersReady']);
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    unready.has(condition.type) ? { ...condition, status: 'False', reason: 'PodFailed' } : condition,
  );
  const terminated = {
    exitCode,
    reason: 'Error',
    message: JSON.stringify(lastWord),
    startedAt: pod.status?.startTime ?? now,
    finishedAt: now,
  };
  const container = {
    name: CONTAINER,
    image: 'none',
    imageID: '',
    ready: false,
    started: false,
    restartCount: 0,
    state: { terminated },
  };
  await pods.status.patch(keyOf(pod), { status: { phase: 'Failed', conditions, containerStatuses: [container] } });
}

function seen(pod: Pod): void {
  const { uid = '', deletionTimestamp } = pod.metadata;
  const address = pod.status?.podIP;
  if (pod.status?.phase !== 'Running' || address === undefined || deletionTimestamp !== undefined) return;
  if (taken.has(uid)) return;
  taken.add(uid);
  takeUp(pod, address).catch((error: unknown) => console.error(`${pod.metadata.name}: ${String(error)}`));
}

function gone(pod: Pod): void {
  const address = pod.status?.podIP ?? '';
  const seat = byAddress.get(address);
  if (seat?.uid !== pod.metadata.uid) return;
  seat?.trainer.kill();
  byAddress.delete(address);
}

const log = createLogger({ name: 'fleet', level: 'warn' });
const informer = new Informer<Pod>({ client: pods, log, namespace, labelSelector: LABEL.attempt });
informer.onEvent({ add: seen, update: (_, pod) => seen(pod), delete: gone });
informer.start();
await informer.waitForSync();

const server = createServer((request, response) => {
  const seat = byAddress.get(request.socket.localAddress ?? '');
  if (seat === undefined) request.socket.destroy();
  else answerControl(request, response, seat.trainer, seat.trainer.token);
});
server.keepAliveTimeout = 30_000;
server.listen(CONTROL_PORT, '0.0.0.0', 4_096, () => process.stdout.write('ready\n'));
process.once('SIGTERM', () => process.exit(0));
