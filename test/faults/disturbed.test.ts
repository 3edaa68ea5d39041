import { env } from 'node:process';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerFaults, singleAnswerFaults } from './answer-faults.ts';
import { sharedCluster } from './cluster.ts';
import { type Outcome, runScenario } from './run.ts';
import { freezes } from './scenarios.ts';
import { ROTATION } from './sweep.ts';
import { singleWatchFaults, watchFaults } from './watch-faults.ts';

const FULL = env['FULL'] === '1';
const answers = [...answerFaults(ROTATION), ...(FULL ? singleAnswerFaults : [])];
const watches = [...watchFaults, ...(FULL ? singleWatchFaults : [])];

describe(`an operator that lives and is answered badly, or told late (KRIPTIK_ROTATION=${ROTATION})`, {
  concurrent: true,
}, () => {
  let cluster: ControlPlane;
  let clean: Outcome;

  beforeAll(async () => {
    cluster = await sharedCluster();
    clean = await runScenario({ cluster, name: 'd-clean', scenario: freezes });
    expect(clean.broken).toEqual([]);
  });
  afterAll(async () => await cluster.stop());

  it.each(answers.map(([name, make], index) => [name, make, index] as const))(
    '%s: the goal ends as without a fault',
    async (_name, make, index) => {
      const run = { cluster, name: `a-${index}`, scenario: freezes, fault: make() };
      const { end, broken, kills } = await runScenario(run);
      expect(kills).toBe(0);
      expect(broken).toEqual([]);
      expect(end).toEqual(clean.end);
    },
  );

  it.each(watches.map((make, index) => [make().name, make, index] as const))(
    '%s: the goal ends as without a fault',
    async (_name, make, index) => {
      const { name: _, ...fault } = make();
      const { end, broken } = await runScenario({ cluster, name: `w-${index}`, scenario: freezes, ...fault });
      expect(broken).toEqual([]);
      expect(end).toEqual(clean.end);
    },
  );
});
