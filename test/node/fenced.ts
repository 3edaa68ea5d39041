import { expect } from 'vitest';
import { listenHere, listenIn, reaches, strangerPod } from './network.ts';
import type { NodeWorld } from './world.ts';

/** The control port of a trainer. */
const CONTROL = 8080;
/** Any other port of its pod. */
const OTHER = 9000;

/**
 * Expects that the pod of a goal's job that trains now reaches its store and nothing else of this machine, and that a
 * pod beside it reaches its control port and no other. The pod beside it is bound by no policy: it shows what would be
 * reached without one.
 */
export async function expectFenced(cluster: NodeWorld, goal: string): Promise<void> {
  const { node, s3, world } = cluster;
  const host = node.hostAddress ?? '';
  const [pod] = await cluster.pods(goal);
  if (pod === undefined) throw new Error(`${goal} has no pod`);
  const [trainer] = await cluster.processesOf(pod);
  if (trainer === undefined) throw new Error(`no trainer runs in the pod of ${goal}`);
  const address = pod.status.podIP ?? '';
  const { server, port } = await listenHere(host);
  const deafen = await listenIn(trainer.pid, OTHER);
  const stranger = await strangerPod(world.client, 'stranger');
  try {
    const store = new URL(s3.endpoint);
    const apiServer = new URL(node.cluster.url);
    expect({
      store: await reaches(trainer.pid, store.hostname, Number(store.port), true),
      apiServer: await reaches(trainer.pid, apiServer.hostname, Number(apiServer.port), false),
      other: await reaches(trainer.pid, host, port, false),
    }).toEqual({ store: true, apiServer: false, other: false });
    expect({
      other: await reaches(stranger.pid, host, port, true),
      control: await reaches(stranger.pid, address, CONTROL, true),
      pod: await reaches(stranger.pid, address, OTHER, false),
    }).toEqual({ other: true, control: true, pod: false });
  } finally {
    await deafen();
    await stranger.remove();
    server.close();
  }
}
