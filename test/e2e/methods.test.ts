import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TinyBench } from './tiny-bench.ts';
import { TINY_CASES } from './tiny-cases.ts';
import { tinyGoal } from './tiny-goal.ts';

/** Trainers that run at a time; more would only wait. */
const AT_A_TIME = 2;

describe('every executor is reached by the words of an example', () => {
  let bench: TinyBench;
  const slots = Array.from({ length: AT_A_TIME }, () => Promise.resolve());

  beforeAll(async () => {
    bench = await TinyBench.open(TINY_CASES.flatMap(({ model, data }) => [model, data]));
  }, 300_000);
  afterAll(async () => {
    await bench?.close();
  });

  /** Runs `work` when one of the slots is free. */
  const inTurn = (index: number, work: () => Promise<void>): Promise<void> => {
    const slot = index % AT_A_TIME;
    const mine = (slots[slot] ?? Promise.resolve()).then(work);
    slots[slot] = mine.catch(() => undefined);
    return mine;
  };

  it.concurrent.each(TINY_CASES.map((one, index) => [one.example, one, index] as const))(
    '%s',
    (_name, one, index) => inTurn(index, () => fromWordsToArtifact(one)),
    600_000,
  );

  async function fromWordsToArtifact(one: (typeof TINY_CASES)[number]): Promise<void> {
    const goal = await tinyGoal(one, bench.made, bench.provider);
    const name = goal.metadata.name;
    await bench.apply(goal);
    const { spec, status } = await bench.priced(name);
    expect(spec.contract.modality).toBe(one.modality);
    expect(status?.resolved?.method.name).toBe(one.method);
    expect(status?.resolved?.model.source).toBe(goal.spec.baseModel?.source);

    await bench.kriptik('approve', name, '--yes');
    await bench.kriptik('watch', name, '--until', 'Succeeded', '--timeout', '400');

    const job = await bench.job(name);
    const artifacts = job.status?.artifacts ?? [];
    const kinds = artifacts.map((artifact) => artifact.name).toSorted();
    expect(kinds).toEqual(kindsOf(one.method));
    for (const { uri } of artifacts) await bench.verify(uri);
  }
});

/** What each method leaves behind. */
function kindsOf(method: (typeof TINY_CASES)[number]['method']): string[] {
  if (method === 'full') return ['merged'];
  if (method === 'dreambooth' || method === 'textual-inversion') return ['adapter'];
  return ['adapter', 'merged'];
}
