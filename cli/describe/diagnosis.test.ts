import { describe, expect, it } from 'vitest';
import { plainStyle } from '../render/style.ts';
import { diagnosisLines } from './diagnosis.ts';

const at = '2026-11-22T10:00:00Z';
const view = { style: plainStyle, width: 100, now: Date.parse('2026-11-22T10:05:00Z') };
const finding = {
  code: 'LossHigh',
  severity: 'Warning' as const,
  message: 'The loss is 7.1 after 400 steps',
  remedy: 'look at the rows',
  evidence: ['mean loss 7.2 at the start, 7.1 at step 400'],
  remedies: [
    { text: 'Look at the rows', costsMore: false },
    { text: 'Halve the learning rate', change: 'hyperparameters.learningRate=0.0001', costsMore: false },
    { text: 'Add rows', costsMore: true },
  ],
  at,
};

describe('findings', () => {
  it('show what was seen and what can be done', () => {
    const text = diagnosisLines([finding], view).join('\n');
    expect(text).toContain('LossHigh, 5m ago: The loss is 7.1 after 400 steps');
    expect(text).toContain('seen: mean loss 7.2 at the start');
    expect(text).toContain('do: Halve the learning rate (hyperparameters.learningRate=0.0001)');
    expect(text).toContain('do: Add rows, may cost more');
  });

  it('that went away are one line', () => {
    const lines = diagnosisLines([{ ...finding, resolvedAt: '2026-11-22T10:03:00Z' }], view);
    expect(lines.join('\n')).toContain('over since 2m');
    expect(lines.join('\n')).not.toContain('do:');
  });

  it('of an older operator show their one remedy', () => {
    const { evidence: _e, remedies: _r, severity: _s, ...old } = finding;
    expect(diagnosisLines([old], view).join('\n')).toContain('do: look at the rows');
  });
});
