import { describe, expect, it } from 'vitest';
import { START, time } from '../../../test/support/builders.ts';
import { brokenRuns, symptomsAt } from '../../../test/support/curves.ts';
import { detect } from './detect.ts';
import { mergeFindings } from './merge.ts';
import type { Finding, Recorded, Verdict } from './types.ts';

const finding = (change: Partial<Finding> = {}): Finding => ({
  code: 'LossHigh',
  severity: 'Warning',
  message: 'the loss is high',
  evidence: ['loss 7 at step 40'],
  remedies: [{ text: 'look at the rows', costsMore: false }],
  ...change,
});
const merge = (before: readonly Recorded[], verdict: Verdict, seconds: number): readonly Recorded[] =>
  mergeFindings({ before, verdicts: new Map([['LossHigh', verdict]]), attempt: 1, now: START + seconds * 1000 });
const first = merge([], finding(), 0);

describe('the record of findings', () => {
  it('holds a finding with its evidence and its remedies', () => {
    expect(first).toEqual([
      {
        code: 'LossHigh',
        severity: 'Warning',
        message: 'the loss is high',
        remedy: 'look at the rows',
        evidence: ['loss 7 at step 40'],
        remedies: [{ text: 'look at the rows', costsMore: false }],
        attempt: 1,
        at: time(0),
      },
    ]);
  });

  it.each([
    { case: 'the same finding', verdict: finding() },
    { case: 'newer figures within minutes', verdict: finding({ evidence: ['loss 7.1 at step 60'] }) },
    { case: 'nothing that could be told', verdict: undefined },
  ])('is not written again for $case', ({ verdict }) => {
    expect(merge(first, verdict, 100)).toBe(first);
  });

  it('takes newer figures after a while, with the time of the first find', () => {
    expect(merge(first, finding({ evidence: ['loss 7.1 at step 60'] }), 301)).toMatchObject([
      { at: time(0), updatedAt: time(301), evidence: ['loss 7.1 at step 60'] },
    ]);
  });

  it('tells another cause at once', () => {
    const other = finding({ cause: 'b', message: 'because of b' });
    expect(merge(first, other, 3)).toMatchObject([{ message: 'because of b', at: time(0) }]);
  });

  it('marks what went away, once', () => {
    const gone = merge(first, 'clear', 60);
    expect(gone).toMatchObject([{ at: time(0), resolvedAt: time(60) }]);
    expect(merge(gone, 'clear', 90)).toBe(gone);
  });

  it('begins anew where it comes back', () => {
    const back = merge(merge(first, 'clear', 60), finding(), 120);
    expect(back).toMatchObject([{ at: time(120) }]);
    expect(back[0]).not.toHaveProperty('resolvedAt');
  });

  it('forgets what went away first when it is full', () => {
    const past = Array.from({ length: 10 }, (_, index) => ({
      ...finding(),
      code: `Old${index}`,
      remedy: '-',
      at: time(0),
      resolvedAt: time(1),
    }));
    const all = merge(past as unknown as Recorded[], finding(), 10);
    expect(all).toHaveLength(10);
    expect(all.map(({ code }) => code)).toContain('LossHigh');
    expect(all.map(({ code }) => code)).not.toContain('Old0');
  });

  it('of a noisy run near a line is written a few times, not at each step', () => {
    let record: readonly Recorded[] = [];
    let writes = 0;
    const run = brokenRuns.DataStarvesGpu(4);
    const wavering = { ...run, waits: run.waits.map((_, step) => 0.22 + 0.1 * Math.sin(step / 3)) };
    for (let step = 10; step <= Math.min(400, run.losses.length); step++) {
      const next = mergeFindings({
        before: record,
        verdicts: detect(symptomsAt(wavering, step)),
        attempt: 1,
        now: START + step * 1000,
      });
      if (next !== record) writes += 1;
      record = next;
    }
    expect(writes).toBeLessThan(4);
  });
});
