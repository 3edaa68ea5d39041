import { env } from 'node:process';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedCluster } from './cluster.ts';
import { scenarios } from './scenarios.ts';
import { LANES, ROTATION, sweep, told } from './sweep.ts';

const FULL = env['FULL'] === '1';

/** Points of a scenario in one go; with FULL=1 all. */
const SAMPLE = 6;

describe(`the operator killed around its writes (KRIPTIK_ROTATION=${ROTATION})`, () => {
  let cluster: ControlPlane;

  beforeAll(async () => {
    cluster = await sharedCluster();
  });
  afterAll(async () => await cluster.stop());

  it.each(scenarios.map((scenario, index) => [scenario.name, scenario, `s${index}`] as const))(
    'a goal that %s ends as without a fault',
    { timeout: FULL ? 7_200_000 : 600_000 },
    async (_name, scenario, prefix) => {
      const sample = FULL ? undefined : SAMPLE;
      const file = 'sweep.test.ts';
      const score = await sweep({ cluster, scenario, prefix, file, sample, rotation: ROTATION, lanes: LANES });
      console.log(told(score));
      expect(score.alarms.join('\n')).toBe('');
      expect(score.missed.length).toBeLessThanOrEqual(score.points / 2);
    },
  );
});
