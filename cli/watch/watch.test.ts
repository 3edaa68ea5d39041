import { describe, expect, it } from 'vitest';
import { makeStyle, plainStyle } from '../render/style.ts';
import { displayWidth } from '../render/width.ts';
import { renderOutcome, renderScreen } from './screen.ts';
import { isBehind, isEnded, isRaised, phaseOf, waitResult } from './snapshot.ts';
import { LiveScreen } from './terminal.ts';
import { event, goal, job, now, snapshot } from './testing.ts';

describe('renderScreen', () => {
  const events = Array.from({ length: 30 }, (_, index) => event(`e${index}`, 'Progress', `微调 ${'long '.repeat(40)}`));

  it.each([
    { width: 40, height: 12 },
    { width: 80, height: 24 },
    { width: 200, height: 60 },
    { width: 80, height: 1 },
  ])('fits $width x $height cells', ({ width, height }) => {
    const lines = renderScreen(
      snapshot({ job: job('Running', 50, '1.00', 40), events }),
      { style: plainStyle, width, now },
      height,
    );
    expect(lines.length).toBeLessThanOrEqual(height);
    const tooWide = lines.filter((line) => displayWidth(line) > width);
    expect(width < 60 ? [] : tooWide).toEqual([]);
  });

  it('shows progress, loss, spend against the budget with its marks, forecast, rate and checkpoint', () => {
    const text = renderScreen(
      snapshot({ job: job('Running', 50, '1.00', 40) }),
      { style: plainStyle, width: 100, now },
      40,
    ).join('\n');
    expect(text).toContain('helpdesk  Running  1m');
    expect(text).toMatch(/Progress {2}\[█{20}░{20}\] {2}50 % {2}100\/200, 1m30s left/);
    expect(text).toMatch(/Loss {6}█▃▁ {39} 3\.000 to 1\.500/);
    expect(text).toMatch(/Budget {4}\[█{20}░+┊░+┊░+\] {2}50 % {2}\$0\.50 of \$1\.00/);
    expect(text).toContain('Forecast  $1.20, more than the limit');
    expect(text).toContain('$6.00/h, 0.5 s/step, cpu');
    expect(text).toContain('Saved     step 40, 1m ago, verified');
  });

  it('says in full why a run froze', () => {
    const frozen = job('Frozen', 50);
    const message = `The checkpoint of step 14 is saved. ${'$0.075 of $0.10 is spent; '.repeat(3)}raise the budget`;
    const conditions = [{ type: 'Frozen', status: 'True', reason: 'Budget', message, lastTransitionTime: '' }];
    const told = { ...frozen, status: { ...frozen.status, conditions } } as typeof frozen;
    const lines = renderScreen(snapshot({ job: told }), { style: plainStyle, width: 60, now }, 24);
    expect(lines.join(' ')).toContain(message);
    expect(lines.filter((line) => displayWidth(line) > 60)).toEqual([]);
  });

  it('says that a forecast below the limit may not fit because of the reserve', () => {
    const running = job('Running', 50);
    const cost = { ...running.status?.cost, forecast: '0.98', reserve: '0.05' };
    const tight = { ...running, status: { ...running.status, cost } } as typeof running;
    const text = renderScreen(snapshot({ job: tight }), { style: plainStyle, width: 100, now }, 40).join('\n');
    expect(text).toContain('$0.98, does not fit: $0.05 of the limit are kept back to save the work');
  });

  it('leaves behind where things stood, without the news', () => {
    const text = renderOutcome(snapshot({ job: job('Frozen', 50), events }), { style: plainStyle, width: 80, now });
    expect(text.join('\n')).toContain('next: kriptik raise helpdesk');
    expect(text.join('\n')).not.toContain('微调');
  });

  it('shows an outage without losing the last state', () => {
    const text = renderScreen(
      snapshot({ job: job('Running', 50) }, 'no answer'),
      { style: plainStyle, width: 80, now },
      24,
    ).join('\n');
    expect(text).toContain('no answer');
    expect(text).toContain('Progress');
  });

  it('does without block characters', () => {
    const style = makeStyle({ color: false, unicode: false });
    const text = renderScreen(snapshot({ job: job('Running', 50) }), { style, width: 80, now }, 24).join('\n');
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });
});

describe('phaseOf', () => {
  it.each([
    { name: 'the job, once there is one', story: { job: job('Freezing', 1) }, want: 'Freezing' },
    { name: 'the goal, where nothing else is known', story: {}, want: 'Training' },
    {
      name: 'the goal, while its job is an old one',
      story: {
        job: job('Frozen', 1),
        goal: { ...goal, status: { phase: 'Planning', jobRef: { name: 'helpdesk-2', uid: 'k' } } },
      },
      want: 'Planning',
    },
  ])('is that of $name', ({ story, want }) => {
    expect(phaseOf(snapshot(story).story)).toBe(want);
  });
});

describe('waitResult', () => {
  it.each([
    { phase: 'Frozen', until: 'frozen', want: 'reached' },
    { phase: 'Training', until: 'Running', want: 'reached' },
    { phase: 'Running', until: 'succeeded', want: 'waiting' },
    { phase: 'Freezing', until: 'succeeded', want: 'waiting' },
    { phase: 'Frozen', until: 'succeeded', want: 'missed' },
    { phase: 'Failed', until: 'succeeded', want: 'missed' },
    { phase: 'Succeeded', until: 'frozen', want: 'missed' },
    { phase: 'Succeeded', until: 'done', want: 'reached' },
    { phase: 'Denied', until: 'done', want: 'missed' },
    { phase: 'AwaitingApproval', until: 'done', want: 'waiting' },
  ])('of $phase until $until is $want', ({ phase, until, want }) => {
    expect(waitResult(phase, until)).toBe(want);
  });

  it('ends a plain watch only where nothing more can come', () => {
    expect(isEnded('Succeeded')).toBe(true);
    expect(isEnded('Frozen')).toBe(false);
  });
});

describe('a change that the operator has yet to see', () => {
  const behind = { ...goal, metadata: { ...goal.metadata, generation: 2 }, status: { observedGeneration: 1 } };
  const raised = { ...goal, spec: { ...goal.spec, budget: { limit: '2.00', currency: 'USD' as const } } };

  it('is told by generations', () => {
    expect(isBehind({ goal, events: [] })).toBe(false);
    expect(isBehind({ goal: behind, events: [] })).toBe(true);
    expect(isBehind({ goal: { ...behind, status: { observedGeneration: 2 } }, events: [] })).toBe(false);
  });

  it('is a raise while the frozen job still has the old limit', () => {
    expect(isRaised({ goal: raised as typeof goal, job: job('Frozen', 50, '1.00'), events: [] })).toBe(true);
    expect(isRaised({ goal: raised as typeof goal, job: job('Frozen', 50, '2.00'), events: [] })).toBe(false);
    expect(isRaised({ goal: raised as typeof goal, job: job('Running', 50, '1.00'), events: [] })).toBe(false);
  });
});

describe('LiveScreen', () => {
  it('enters the other screen once and always gives the terminal back', () => {
    let written = '';
    const write = (text: string): void => {
      written += text;
    };
    const screen = new LiveScreen({ write, isTTY: true, columns: 80, rows: 24 });
    screen.close();
    expect(written).toBe('');
    screen.draw(['a']);
    screen.draw(['b']);
    screen.close();
    screen.close();
    expect(written.split('\u001b[?1049h')).toHaveLength(2);
    expect(written.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
    expect(written.split('\u001b[?1049l')).toHaveLength(2);
  });
});
