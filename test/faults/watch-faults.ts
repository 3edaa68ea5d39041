import { API_VERSION } from '@kriptik/crds';
import { droppedOnce, duplicated, type ProxyEvent, swappedOnce } from '../support/proxy-watch.ts';
import type { Lane, Seen } from './lane.ts';

/** Something that happens to what an operator is told of the cluster, once in a run. */
export interface WatchFault {
  readonly name: string;
  /** Called once, before the first operator starts. */
  readonly begin?: (lane: Lane) => void;
  /** Called at every look. */
  readonly disturb?: (lane: Lane, seen: Seen) => Promise<unknown>;
}

const KINDS = ['traininggoals', 'trainingplans', 'trainingjobs'];
const ALL = [...KINDS, 'computeproviders', 'namespaces'];

/** Longer than anything the operator does by itself at this pace, short enough for a test. */
const HELD_MS = 3_000;

const modifiedTo =
  (phase: string) =>
  ({ type, object }: ProxyEvent): boolean =>
    type === 'MODIFIED' && object.status?.phase === phase;

const running = ({ jobs }: Seen): boolean => jobs[0]?.status?.phase === 'Running';
const wait = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `act` once, as soon as `when` holds. The run goes on meanwhile. */
function once(when: (seen: Seen) => boolean, act: (lane: Lane) => Promise<void>): NonNullable<WatchFault['disturb']> {
  let acted = false;
  return async (lane, seen) => {
    if (acted || !when(seen)) return;
    acted = true;
    void act(lane);
    await Promise.resolve();
  };
}

/** Holds the watches of these kinds back for a while and then ends them, as a broken connection that comes back. */
async function freeze(lane: Lane, kinds: readonly string[]): Promise<void> {
  for (const kind of kinds) lane.proxy.freeze(kind);
  await wait(HELD_MS);
  for (const kind of kinds) {
    lane.proxy.thaw(kind);
    lane.proxy.endWatches(kind);
  }
}

/** Of each run one; a run has a fault of its own, so these are made anew. */
export const watchFaults: readonly (() => WatchFault)[] = [
  ...KINDS.map(
    (kind) => (): WatchFault => ({
      name: `the watch of ${kind} is frozen while the job runs`,
      disturb: once(running, async (lane) => await freeze(lane, [kind])),
    }),
  ),
  (): WatchFault => ({
    name: 'all watches are frozen from before the approval',
    disturb: once(
      ({ goal }) => goal?.status?.phase === 'AwaitingApproval',
      async (lane) => await freeze(lane, ALL),
    ),
  }),
  (): WatchFault => ({
    name: 'every event comes twice',
    begin: ({ proxy }) => {
      for (const kind of ALL) proxy.filters.set(kind, duplicated);
    },
  }),
  ...[
    ['traininggoals', 'AwaitingApproval'],
    ['trainingplans', 'AwaitingApproval'],
    ['trainingplans', 'Approved'],
    ['trainingjobs', 'Provisioning'],
    ['trainingjobs', 'Running'],
  ].flatMap(([kind = '', phase = '']) => [
    (): WatchFault => ({
      name: `the event that ${kind} are ${phase} is lost`,
      begin: ({ proxy }) => void proxy.filters.set(kind, droppedOnce(modifiedTo(phase))),
    }),
    (): WatchFault => ({
      name: `the event that ${kind} are ${phase} comes after the next`,
      begin: ({ proxy }) => void proxy.filters.set(kind, swappedOnce(modifiedTo(phase))),
    }),
  ]),
  staleAfterRestart,
];

/** The operator dies while the job runs; its successor is shown the time before the approval, then the present. */
function staleAfterRestart(): WatchFault {
  let kept: Promise<unknown> | undefined;
  let acted = false;
  return {
    name: 'the operator is killed while the job runs, and its successor sees the past for a while',
    disturb: async (lane, seen) => {
      const { proxy, world } = lane;
      const path = (kind: string): string => `/apis/${API_VERSION}/namespaces/${world.namespace}/${kind}`;
      if (seen.goal?.status?.phase === 'AwaitingApproval') {
        kept ??= Promise.all(KINDS.map(async (kind) => await proxy.keepList(kind, path(kind))));
        await kept;
      }
      if (acted || !running(seen)) return;
      acted = true;
      proxy.serveKeptLists();
      for (const kind of KINDS) proxy.freeze(kind);
      await lane.kill();
      lane.startOperator();
      void wait(2 * HELD_MS).then(() => {
        proxy.releaseLists();
        for (const kind of KINDS) proxy.thaw(kind);
        for (const kind of KINDS) proxy.endWatches(kind);
      });
    },
  };
}
