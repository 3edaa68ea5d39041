import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { TinyBench } from './tiny-bench.ts';
import { STAGED_CASE, TINY_CASES, type TinyCase } from './tiny-cases.ts';
import { makersOf, tinyGoal } from './tiny-goal.ts';

/** Runs at a time: two cores compute while a third run waits for its plan or its end. */
const AT_A_TIME = 3;
/** Models of thirteen kinds are made. */
const OPEN_MS = 600_000;
/** All cases begin to count at once, whenever their turn comes. */
const CASE_MS = 3_600_000;

describe('every executor is reached by the words of an example', () => {
  let opening: Promise<TinyBench> | undefined;
  let bench: TinyBench;
  const slots = Array.from({ length: AT_A_TIME }, () => Promise.resolve());

  beforeAll(async () => {
    opening = TinyBench.open([...TINY_CASES, STAGED_CASE].flatMap(({ model, data }) => [model, ...makersOf(data)]));
    bench = await opening;
  }, OPEN_MS);
  // One that opens too late is closed all the same; one that could not be opened has left nothing.
  afterAll(async () => (await opening?.catch(() => undefined))?.close(), OPEN_MS);

  /** Runs `work` when one of the slots is free. */
  const inTurn = (index: number, work: () => Promise<void>): Promise<void> => {
    const slot = index % AT_A_TIME;
    const mine = (slots[slot] ?? Promise.resolve()).then(work);
    slots[slot] = mine.catch(() => undefined);
    return mine;
  };

  // The longest first: the others fill the second slot beside it.
  it.concurrent('two-stages: frozen within the second, and raised', () => inTurn(0, throughStages), CASE_MS);

  it.concurrent.each(TINY_CASES.map((one, index) => [one.example, one, index + 1] as const))(
    '%s',
    (_name, one, index) => inTurn(index, () => fromWordsToArtifact(one)),
    CASE_MS,
  );

  async function fromWordsToArtifact(one: TinyCase): Promise<void> {
    const { name } = await approved(one);
    await bench.kriptik('watch', name, '--until', 'Succeeded', '--timeout', '400');
    await leftBehind(name, one);
  }

  async function throughStages(): Promise<void> {
    const { name, goal } = await approved(STAGED_CASE);
    const limited = (limit: string) => ({ ...goal, spec: { ...goal.spec, budget: { ...goal.spec.budget, limit } } });
    await waitFor(
      'the second stage to be trained',
      async () => ((await bench.job(name)).status?.progress?.stage?.number === 2 ? true : undefined),
      { timeoutMs: 200_000, everyMs: 200 },
    );
    // What is spent by now is more than that: it freezes at once.
    await bench.apply(limited('0.001'));
    await bench.kriptik('watch', name, '--until', 'Frozen', '--timeout', '400');
    const frozen = (await bench.job(name)).status;
    const first = frozen?.attempts?.at(-1);
    expect(frozen?.progress?.stage).toEqual({ name: 'preference', number: 2, count: 3 });
    expect(frozen?.progress?.step).toBeLessThan(frozen?.progress?.totalSteps ?? 0);

    await bench.apply(limited('20.00'));
    await bench.kriptik('watch', name, '--until', 'Succeeded', '--timeout', '400');
    const { status, spec } = await bench.job(name);
    const second = status?.attempts?.at(-1);
    expect([first?.number, second?.number]).toEqual([1, 2]);
    // It went on within the second stage, from what was saved there.
    const [supervised] = spec.run.quote.stages ?? [];
    expect(second?.resumedFromStep).toBeGreaterThan(supervised?.steps ?? Number.POSITIVE_INFINITY);
    expect(second?.resumedFromStep).toBe(frozen?.progress?.step);
    expect(status?.progress?.step).toBe(spec.run.quote.steps);
    await leftBehind(name, STAGED_CASE);
  }

  /** Applies the goal of a case, looks at its plan and approves that. */
  async function approved(one: TinyCase) {
    const goal = await tinyGoal(one, bench.made, bench.provider);
    const { name } = goal.metadata;
    await bench.apply(goal);
    const { spec, status } = await bench.priced(name);
    expect(spec.contract.modality).toBe(one.modality);
    expect(status?.resolved?.method.name).toBe(one.method);
    expect(status?.resolved?.model.source).toBe(goal.spec.baseModel?.source);
    const stages = status?.resolved?.stages?.flatMap(({ method }) => method?.name ?? []);
    expect(stages).toEqual(one.stages);
    await bench.kriptik('approve', name, '--yes');
    return { name, goal };
  }

  /** All that the method makes is there, byte by byte, and what its stages handed on. */
  async function leftBehind(name: string, { method }: TinyCase): Promise<void> {
    const { spec, status } = await bench.job(name);
    const trained = (spec.run.resolved.stages ?? []).filter((stage) => stage.method !== undefined);
    const kinds = kindsOf(trained.at(-1)?.method?.name ?? method);
    const handedOn = trained.slice(0, -1).map((stage) => `stage-${stage.name}`);
    const artifacts = status?.artifacts ?? [];
    expect(artifacts.map((artifact) => artifact.name).toSorted()).toEqual([...kinds, ...handedOn]);
    await Promise.all(artifacts.map(({ uri }) => bench.verify(uri)));
  }
});

/** What each method leaves behind. */
function kindsOf(method: TinyCase['method']): string[] {
  if (method === 'full') return ['merged'];
  if (method === 'dreambooth' || method === 'textual-inversion') return ['adapter'];
  return ['adapter', 'merged'];
}
