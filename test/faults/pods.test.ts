import { env } from 'node:process';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedCluster } from './cluster.ts';
import { PodSite } from './pods.ts';
import { scenarios } from './scenarios.ts';
import { LANES, ROTATION, sweep, told } from './sweep.ts';

const FULL = env['FULL'] === '1';

/** Points of a scenario in one go; with FULL=1 all. */
const SAMPLE = 4;

describe(`the operator killed around its writes to a cluster that runs pods (KRIPTIK_ROTATION=${ROTATION})`, () => {
  let cluster: ControlPlane;
  let site: PodSite;

  beforeAll(async () => {
    cluster = await sharedCluster();
    site = await PodSite.start(cluster);
  });
  afterAll(async () => {
    await site?.stop();
    await cluster?.stop();
  });

  it.each(scenarios.map((scenario, index) => [scenario.name, scenario, `p${index}`] as const))(
    'a goal that %s ends as without a fault',
    { timeout: FULL ? 7_200_000 : 600_000 },
    async (_name, scenario, prefix) => {
      const sample = FULL ? undefined : SAMPLE;
      const file = 'pods.test.ts';
      const score = await sweep({ cluster, scenario, site, prefix, file, sample, rotation: ROTATION, lanes: LANES });
      console.log(told(score));
      expect(score.alarms.join('\n')).toBe('');
      expect(score.missed.length).toBeLessThanOrEqual(score.points / 2);
    },
  );
});
