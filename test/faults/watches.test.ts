import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedCluster } from './cluster.ts';
import { type Outcome, runScenario } from './run.ts';
import { freezes } from './scenarios.ts';
import { watchFaults } from './watch-faults.ts';

describe('what the operator is told of the cluster is late, lost, doubled, out of order or old', {
  concurrent: true,
}, () => {
  let cluster: ControlPlane;
  let clean: Outcome;

  beforeAll(async () => {
    cluster = await sharedCluster();
    clean = await runScenario({ cluster, name: 'w-clean', scenario: freezes });
    expect(clean.broken).toEqual([]);
  });
  afterAll(async () => await cluster.stop());

  it.each(watchFaults.map((make, index) => [make().name, make, index] as const))(
    '%s: the goal ends as without a fault',
    async (_name, make, index) => {
      const { begin, disturb } = make();
      const run = { cluster, name: `w-${index}`, scenario: freezes };
      const { end, broken } = await runScenario({
        ...run,
        ...(begin === undefined ? {} : { begin }),
        ...(disturb === undefined ? {} : { disturb }),
      });
      expect(broken).toEqual([]);
      expect(end).toEqual(clean.end);
    },
  );
});
