import { env } from 'node:process';
import { API_VERSION, ComputeProviderResource, TrainingGoalResource, TrainingPolicyResource } from '@kriptik/crds';
import { loadCrds, schemaAt, schemaOf } from '@kriptik/crds/schema.ts';
import { ApiError } from '@kriptik/operator/runtime/errors.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { sharedCluster } from './cluster.ts';
import { GOAL, Lane } from './lane.ts';
import { type Change, changed, changesOf } from './properties.ts';
import { sampleOf } from './sweep.ts';

const FULL = env['FULL'] === '1';
const SAMPLE = 12;
const ROTATION = Number(env['KRIPTIK_ROTATION'] ?? Math.floor(Date.now() / 86_400_000));
/** Time within which an accepted change, and its undoing, must have been looked at. */
const CONVERGE = { timeoutMs: 60_000 };

type Live = KubeObject & {
  spec: object;
  status?: { observedGeneration?: number; phase?: string; conditions?: readonly Told[]; planRef?: { name: string } };
};
interface Told {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

/** What of a status has to come back when a change is undone. */
const standing = ({ status }: Live): string =>
  JSON.stringify([
    status?.phase,
    status?.planRef?.name,
    status?.conditions?.map((one) => [one.type, one.status, one.reason]),
  ]);

describe(`each property of live objects (KRIPTIK_ROTATION=${ROTATION})`, () => {
  let cluster: ControlPlane;
  let lane: Lane;

  beforeAll(async () => {
    cluster = await sharedCluster();
    lane = await Lane.start({ cluster, name: 'properties' });
    lane.startOperator();
    await lane.world.createGoal(GOAL, {
      constraints: { maxSteps: 100_000, checkpointEverySteps: 100 },
      budget: { limit: '40.00', currency: 'USD', alertAt: 80, warnAt: 95 },
    });
    await lane.world.goalIn(GOAL, 'AwaitingApproval');
    await lane.world.client.resource(TrainingPolicyResource).create({
      apiVersion: API_VERSION,
      kind: 'TrainingPolicy',
      metadata: { name: lane.world.namespace },
      // Above the price of so many steps, or the plan would be blocked from here on.
      spec: { ceilings: { perJob: '5000' }, gpus: { maxCount: 8 }, approval: { authorMayApprove: true } },
    });
    const policy = async (): Promise<boolean> =>
      (await get(TrainingPolicyResource)).status?.observedGeneration !== undefined;
    await waitFor('the policy to be looked at', async () => (await policy()) || undefined);
    await lane.world.goalIn(GOAL, 'AwaitingApproval');
  });
  afterAll(async () => {
    await lane.stop();
    await cluster.stop();
  });

  const pathOf = (type: ResourceType): string => {
    const space = type.namespaced ? `/namespaces/${lane.world.namespace}` : '';
    return `/apis/${API_VERSION}${space}/${type.plural}/${type.namespaced ? GOAL : lane.world.namespace}`;
  };
  const get = async (type: ResourceType): Promise<Live> => await lane.world.client.raw<Live>('GET', pathOf(type));
  const put = async (type: ResourceType, spec: object): Promise<void> => {
    const body = [{ op: 'replace', path: '/spec', value: spec }];
    await lane.world.client.raw('PATCH', pathOf(type), { body, contentType: 'application/json-patch+json' });
  };
  /** Resolves once the operator has looked at the object as it is now and left it as `before`, where that is given. */
  const settled = async (type: ResourceType, change: Change, before?: string): Promise<void> => {
    let last: Live | undefined;
    await waitFor(
      `an answer to ${change.path} ${change.what}`,
      async () => {
        last = await get(type);
        const seen = (last.status?.observedGeneration ?? 0) >= (last.metadata['generation'] ?? 0);
        return seen && (before === undefined || standing(last) === before) ? true : undefined;
      },
      CONVERGE,
    ).catch((error: unknown) => {
      throw new Error(
        `${String(error)}: it is ${standing(last as Live)}${before === undefined ? '' : `, it was ${before}`}`,
      );
    });
  };

  /** Makes a change, waits for what comes of it, undoes it. Returns what is wrong, if anything. */
  const probe = async (type: ResourceType, change: Change): Promise<string | undefined> => {
    const { spec, ...others } = await get(type);
    const before = standing({ spec, ...others });
    const pid = lane.operatorPid;
    try {
      await put(type, changed(spec, change));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500) throw error;
      return error.message.length > 10 ? undefined : `the refusal says nothing: ${error.message}`;
    }
    try {
      await settled(type, change);
      await put(type, spec);
      await settled(type, change, before);
    } catch (error) {
      await put(type, spec).catch(() => {});
      return String(error);
    }
    return lane.alive && lane.operatorPid === pid ? undefined : 'the operator died of it';
  };

  const kinds: readonly (readonly [string, ResourceType])[] = [
    ['TrainingGoal', TrainingGoalResource],
    ['TrainingPolicy', TrainingPolicyResource],
    ['ComputeProvider', ComputeProviderResource],
  ];

  const probeAll = async (kind: string, type: ResourceType): Promise<void> => {
    const crd = loadCrds().find(({ spec }) => spec.names.kind === kind);
    if (crd === undefined) throw new Error(`there is no definition of ${kind}`);
    const schema = schemaAt(schemaOf(crd), 'spec');
    const { spec } = await get(type);
    const all = changesOf(schema, spec);
    const chosen = FULL ? all : sampleOf(all, SAMPLE, ROTATION);
    const wrong: string[] = [];
    let refused = 0;
    for (const change of chosen) {
      const generation = (await get(type)).metadata['generation'];
      const problem = await probe(type, change);
      if ((await get(type)).metadata['generation'] === generation) refused += 1;
      if (problem !== undefined) wrong.push(`${kind} ${change.path} ${change.what}: ${problem}`);
    }
    console.log(
      `${kind}: ${all.length} changes generated, ${chosen.length} run, ${refused} refused, ${wrong.length} alarms`,
    );
    expect(wrong).toEqual([]);
  };

  it.each(kinds)('%s, the goal awaiting its approval: a verdict or an effect, and back', async (kind, type) => {
    // What the last test put back may still be planned with.
    await lane.world.goalIn(GOAL, 'AwaitingApproval');
    await probeAll(kind, type);
  });

  it.each(kinds)('%s, the job running: a verdict or an effect, and back', async (kind, type) => {
    const { status } = await lane.world.goalIn(GOAL, 'AwaitingApproval', 'Training');
    if (status?.phase === 'AwaitingApproval') await lane.world.approve(GOAL);
    await lane.world.goalIn(GOAL, 'Training');
    await waitFor('the trainer', () => (lane.processes.live.length === 1 ? true : undefined));
    await probeAll(kind, type);
    expect(lane.processes.most).toBe(1);
  });
});
