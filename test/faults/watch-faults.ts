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

/** Phases whose events are lost or late. */
const PHASES = [
  ['traininggoals', 'AwaitingApproval'],
  ['trainingplans', 'AwaitingApproval'],
  ['trainingplans', 'Approved'],
  ['trainingjobs', 'Provisioning'],
  ['trainingjobs', 'Running'],
] as const;
type Phase = (typeof PHASES)[number];

/** Rewrites the events of each of these phases, once each. */
function rewritten(phases: readonly Phase[], rewrite: typeof droppedOnce): NonNullable<WatchFault['begin']> {
  return ({ proxy }) => {
    for (const kind of new Set(phases.map(([one]) => one))) {
      const filters = phases.filter(([one]) => one === kind).map(([, phase]) => rewrite(modifiedTo(phase)));
      proxy.filters.set(kind, (event) => filters.reduce((events, filter) => events.flatMap(filter), [event]));
    }
  };
}

const lost = (phases: readonly Phase[]): NonNullable<WatchFault['begin']> => rewritten(phases, droppedOnce);
const late = (phases: readonly Phase[]): NonNullable<WatchFault['begin']> => rewritten(phases, swappedOnce);

/** What may happen to watches, as much of it in one run as goes together; a run has faults of its own, so these are made anew. */
export const watchFaults: readonly (() => WatchFault)[] = [
  () => ({
    name: 'the watches of goals, plans and jobs are frozen one after the other while the job runs',
    disturb: once(running, async (lane) => {
      for (const kind of KINDS) await freeze(lane, [kind]);
    }),
  }),
  () => ({
    name: 'all watches are frozen from before the approval',
    disturb: once(
      ({ goal }) => goal?.status?.phase === 'AwaitingApproval',
      async (lane) => await freeze(lane, ALL),
    ),
  }),
  () => ({
    name: 'every event comes twice',
    begin: ({ proxy }) => {
      for (const kind of ALL) proxy.filters.set(kind, duplicated);
    },
  }),
  () => ({ name: 'the event of each new phase is lost', begin: lost(PHASES) }),
  () => ({ name: 'the event of each new phase comes after the next', begin: late(PHASES) }),
  staleAfterRestart,
];

/** The same, each alone. */
export const singleWatchFaults: readonly (() => WatchFault)[] = [
  ...KINDS.map((kind) => () => ({
    name: `the watch of ${kind} is frozen while the job runs`,
    disturb: once(running, async (lane) => await freeze(lane, [kind])),
  })),
  ...PHASES.flatMap((phase) => [
    () => ({ name: `the event that ${phase.join(' are ')} is lost`, begin: lost([phase]) }),
    () => ({ name: `the event that ${phase.join(' are ')} comes after the next`, begin: late([phase]) }),
  ]),
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
