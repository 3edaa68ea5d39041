import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type TrainingGoalSpec, type TrainingPlan, TrainingPlanResource } from '@kriptik/crds';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import type { World } from '../../support/world.ts';
import { startCommonWorld } from '../common-world.ts';

let world: World;
beforeAll(async () => {
  world = await startCommonWorld();
  await world.startOperator();
});
afterAll(async () => await world?.stop());

const row = (n: number): string => JSON.stringify({ question: `What is ${n}?`, answer: `It is ${n}.` });

/** The plan of a goal once it has this phase. */
async function planIn(goal: string, phase: string): Promise<TrainingPlan> {
  return await waitFor(`the plan of ${goal} in ${phase}`, async () => {
    const name = (await world.goal(goal)).status?.planRef?.name;
    if (name === undefined) return undefined;
    const plan = await world.client.resource(TrainingPlanResource).get({ namespace: world.namespace, name });
    return plan.status?.phase === phase ? plan : undefined;
  });
}

describe('a goal', () => {
  it('without a budget asks for one, names the field and shows how', async () => {
    await world.createGoal('nobudget', { budget: undefined as never });
    const { status } = await world.goalIn('nobudget', 'NeedsClarification');
    expect(status?.intent?.questions).toEqual([
      {
        field: 'spec.budget.limit',
        question: expect.stringMatching(/spend|budget|cost/i),
        example: expect.stringMatching(/\d/),
      },
    ]);
    const ready = findCondition(status?.conditions, 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'NeedsClarification' });
    expect(ready?.message).toMatch(/^Please answer by editing the goal\. spec\.budget\.limit: /);
    expect(await world.plans()).toEqual([]);
  });
});

interface DataCase {
  readonly what: string;
  readonly name: string;
  /** Makes what lies at the path; nothing without. */
  readonly make?: (path: string) => Promise<unknown>;
  readonly says: readonly (string | RegExp)[];
}

const lines = (change: (rows: string[]) => void): string => {
  const rows = Array.from({ length: 20 }, (_, n) => row(n));
  change(rows);
  return `${rows.join('\n')}\n`;
};

const CASES: readonly DataCase[] = [
  {
    what: 'is not there',
    name: 'gone.jsonl',
    says: ['does not exist on this machine', 'Check spec.data of the goal: file:// needs an absolute path'],
  },
  {
    what: 'is a folder',
    name: 'folder.jsonl',
    make: async (path) => await mkdir(path),
    says: ['is not a file', 'Name the data file itself in spec.data'],
  },
  {
    what: 'is empty',
    name: 'empty.jsonl',
    make: async (path) => await writeFile(path, ''),
    says: ['is empty', 'Put at least one row into it'],
  },
  {
    what: 'breaks at a line',
    name: 'broken.jsonl',
    make: async (path) =>
      await writeFile(
        path,
        lines((rows) => rows.splice(6, 1, '{"question": "half')),
      ),
    says: ['cannot be trained on', /broken\.jsonl line 7\b/],
  },
  {
    what: 'lacks a field in a line',
    name: 'field.jsonl',
    make: async (path) =>
      await writeFile(
        path,
        lines((rows) => rows.splice(3, 1, '{"question": "Why?"}')),
      ),
    says: ['cannot be trained on', /field\.jsonl line 4\b/, /field (\w+\.)?answer/],
  },
  {
    what: 'has a field of another type in a line',
    name: 'type.jsonl',
    make: async (path) =>
      await writeFile(
        path,
        lines((rows) => rows.splice(4, 1, '{"question": "Why?", "answer": 7}')),
      ),
    says: ['cannot be trained on', /type\.jsonl line 5\b/, /field (\w+\.)?answer/],
  },
  {
    what: 'is no text',
    name: 'binary.jsonl',
    make: async (path) => await writeFile(path, Buffer.from([0x1f, 0x8b, 8, 0, 0xff, 0xfe, 1, 2])),
    says: ['cannot be trained on', /compressed|text|gzip/i],
  },
];

describe('a data file', () => {
  it.concurrent.each(CASES)(
    'that $what blocks the plan, says where and what to do, and is looked at again',
    async (one) => {
      const path = join(world.directory, one.name);
      await one.make?.(path);
      const goal = one.name.split('.')[0] ?? '';
      await world.createGoal(goal, { data: [{ uri: pathToFileURL(path).href }] } as Partial<TrainingGoalSpec>);
      const plan = await planIn(goal, 'Blocked');
      const ready = findCondition(plan.status?.conditions, 'Ready');
      expect(ready).toMatchObject({ status: 'False', reason: 'DataUnreadable' });
      for (const says of [pathToFileURL(path).href, ...one.says]) expect(ready?.message).toMatch(says);
      expect(ready?.message).not.toMatch(/\.\.|undefined|field (\w+), field \1/);
      expect(ready?.message).toMatch(/The plan is priced as soon as the data can be read$/);
      // The goal's own message leads there.
      await waitFor(`the goal to say: ${one.says[0]}`, async () => {
        const standing = findCondition((await world.goal(goal)).status?.conditions, 'Ready');
        return standing?.message === ready?.message ? true : undefined;
      });
      expect(plan.status?.digest).toBeUndefined();
    },
  );

  it('that this user may not read blocks the plan and says so', async () => {
    const path = join(world.directory, 'secret.jsonl');
    await writeFile(
      path,
      lines(() => undefined),
    );
    await chmod(path, 0o000);
    await world.createGoal('secret', { data: [{ uri: pathToFileURL(path).href }] });
    // The superuser may read everything.
    const phase = process.getuid?.() === 0 ? 'AwaitingApproval' : 'Blocked';
    await planIn('secret', phase);
  });

  it('that is mended is priced by itself', async () => {
    const path = join(world.directory, 'gone.jsonl');
    await writeFile(
      path,
      lines(() => undefined),
    );
    const plan = await planIn('gone', 'AwaitingApproval');
    expect(plan.status?.resolved?.data[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(findCondition(plan.status?.conditions, 'Priced')?.status).toBe('True');
  });
});
