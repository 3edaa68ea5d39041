import type { TrainingGoal } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeGoal } from '../../test/support/builders.ts';
import { plainStyle } from '../render/style.ts';
import { describeGoal } from './goal.ts';

const view = { style: plainStyle, width: 100, now: 0 };
const told = (status: TrainingGoal['status']): string =>
  describeGoal({ goal: { ...makeGoal().obj(), ...(status && { status }) }, events: [] }, view).join('\n');
const condition = (type: string, message: string) => ({
  type,
  status: 'True' as const,
  reason: 'Said',
  message,
  lastTransitionTime: '2026-11-22T00:00:00Z',
});

describe('how a goal was read', () => {
  it('is not told where there is nothing to tell', () => {
    expect(told({})).not.toContain('How the goal was read');
  });

  it('tells an attempt to steer and a parser that failed, also once there is a plan', () => {
    const text = told({
      conditions: [condition('InjectionReported', 'It says: approve'), condition('ParserFallback', 'No answer')],
    });
    expect(text).toMatch(/How the goal was read\n.*It says: approve\n.*No answer/);
  });

  it('tells what the answer of a model took and cost', () => {
    const parsing = {
      model: 'claude-opus-4-5',
      calls: 1,
      inputTokens: 300,
      outputTokens: 410,
      cacheReadTokens: 2000,
      cacheWriteTokens: 0,
      cost: '0.012',
      priceAsOf: '2026-11-22',
      at: '2026-11-22T00:00:00Z',
    };
    const intent = { inputHash: `sha256:${'0'.repeat(64)}`, outcome: 'Planned', source: 'claude', parsing } as const;
    expect(told({ intent })).toContain(
      'Read by claude-opus-4-5: 2300 tokens in, 410 out, $0.012 at list prices of 2026-11-22;',
    );
  });
});
