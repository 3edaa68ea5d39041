import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerFaults } from './answer-faults.ts';
import { sharedCluster } from './cluster.ts';
import { type Outcome, runScenario } from './run.ts';
import { freezes } from './scenarios.ts';

describe('answers of the API server are lost, late or errors', { concurrent: true }, () => {
  let cluster: ControlPlane;
  let clean: Outcome;

  beforeAll(async () => {
    cluster = await sharedCluster();
    clean = await runScenario({ cluster, name: 'a-clean', scenario: freezes });
    expect(clean.broken).toEqual([]);
  });
  afterAll(async () => await cluster.stop());

  it.each(answerFaults.map(([name, make], index) => [name, make, index] as const))(
    '%s: the goal ends as without a fault',
    async (_name, make, index) => {
      const { end, broken, kills } = await runScenario({
        cluster,
        name: `a-${index}`,
        scenario: freezes,
        fault: make(),
      });
      expect(kills).toBe(0);
      expect(broken).toEqual([]);
      expect(end).toEqual(clean.end);
    },
  );
});
