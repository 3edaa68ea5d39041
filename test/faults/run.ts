import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import type { ProxyFault } from '../support/proxy.ts';
import type { LoggedWrite, ProxyCall } from '../support/proxy-call.ts';
import { type EndState, endStateOf } from './end-state.ts';
import { brokenIn } from './invariants.ts';
import { GOAL, Lane, type Seen } from './lane.ts';
import type { PodSite } from './pods.ts';
import type { Scenario } from './scenarios.ts';

/** How long the operator must have written nothing for a run to be over; more than its slowest look. */
const QUIET_MS = 1_200;
/** Nothing was said that could bring it further for so long: it is stuck. Long, for a machine may have much else to do. */
const STUCK_MS = 100_000;
/** The same where something is said over and over. */
const LIMIT_MS = 480_000;
/**
 * Steps at which the first attempt stays: what people do next comes when they see them made, however late that is, and
 * never after the training has ended.
 */
const HOLD = ['--step-ms', '30', '--hold-at', '30'];
/** Between two looks at how far it has come. */
const LOOK_MS = 100;

/** What came of one run. */
export interface Outcome {
  readonly end: EndState;
  readonly broken: readonly string[];
  readonly writes: readonly LoggedWrite[];
  readonly kills: number;
  /** Attempts were processes of the operator's own machine. */
  readonly local: boolean;
  readonly tookMs: number;
}

export interface RunOptions {
  readonly cluster: ControlPlane;
  readonly name: string;
  readonly scenario: Scenario;
  readonly site?: PodSite | undefined;
  /** What the proxy does to calls. */
  readonly fault?: (lane: Lane, call: ProxyCall, write: LoggedWrite | undefined) => ProxyFault | undefined;
  /** Called once, before the first operator starts. */
  readonly begin?: (lane: Lane) => void;
  /** Called at every look, for faults that are no answer to a call. */
  readonly disturb?: (lane: Lane, seen: Seen) => unknown;
}

/** Lets a scenario happen, operators restarted whenever they are gone, until it has come to rest. */
export async function runScenario(options: RunOptions): Promise<Outcome> {
  const { cluster, name, scenario, site, fault, begin, disturb } = options;
  const started = performance.now();
  const lane = await Lane.start({ cluster, name, site, trainerArguments: HOLD });
  try {
    if (fault !== undefined) lane.proxy.fault = (call, write) => fault(lane, call, write);
    begin?.(lane);
    lane.startOperator();
    await lane.world.createGoal(GOAL, scenario.goal);
    const seen = await untilDone(lane, scenario, disturb);
    await lane.quiet(QUIET_MS);
    const last = await lane.look();
    const [end, broken] = [await endStateOf(lane, last), await brokenIn(lane, last, scenario.limit)];
    if (!scenario.done(last)) broken.push(`it did not stay as it was at the end: ${seen.goal?.status?.phase}`);
    const tookMs = performance.now() - started;
    return { end, broken, writes: lane.proxy.writes, kills: lane.kills, local: site === undefined, tookMs };
  } finally {
    await lane.stop();
  }
}

async function untilDone(lane: Lane, scenario: Scenario, disturb: RunOptions['disturb']): Promise<Seen> {
  const end = Date.now() + LIMIT_MS;
  const began = Date.now();
  let deeds = 0;
  for (;;) {
    const seen = await lane.look();
    lane.startOperator();
    await disturb?.(lane, seen);
    const deed = scenario.deeds[deeds];
    if (deed === undefined && scenario.done(seen)) return seen;
    if (deed?.when(seen) === true) {
      await deed.act(lane);
      deeds += 1;
    }
    const silentMs = Date.now() - (lane.lastWords ?? began);
    if (silentMs > STUCK_MS || Date.now() > end) throw new Error(stuck(lane, scenario, deed?.what, seen));
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function stuck(lane: Lane, scenario: Scenario, waiting: string | undefined, { goal, plans, jobs }: Seen): string {
  const what = waiting === undefined ? 'the end' : `the moment to ${waiting}`;
  const conditions = [goal, ...plans, ...jobs].map((object) => {
    const told = object?.status?.conditions?.map(({ type, status, message }) => `${type}=${status} ${message}`);
    return `${object?.kind} ${object?.status?.phase}: ${told?.join('; ')}`;
  });
  const writes = lane.proxy.writes.slice(-15).map(({ status, label, refusal = '' }) => `${status} ${label} ${refusal}`);
  return [`a goal that ${scenario.name}: ${what} did not come`, ...conditions, ...writes].join('\n');
}
