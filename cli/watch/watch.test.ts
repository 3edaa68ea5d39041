import type { TrainingGoal, TrainingJob } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import type { KubeEvent } from '../describe/common.ts';
import { makeStyle, plainStyle } from '../render/style.ts';
import { displayWidth } from '../render/width.ts';
import { changeLines, nothingTold } from './lines.ts';
import { renderScreen } from './screen.ts';
import { isEnded, phaseOf, type Snapshot, waitResult } from './snapshot.ts';
import { LiveScreen } from './terminal.ts';

const at = '2026-01-01T00:00:00Z';
const now = Date.parse('2026-01-01T00:01:00Z');

const goal = {
  apiVersion: 'training.kriptik.ai/v1alpha1',
  kind: 'TrainingGoal',
  metadata: { name: 'helpdesk', namespace: 'default', uid: 'g', generation: 1, creationTimestamp: at },
  spec: { goal: 'x' },
  status: { phase: 'Training', jobRef: { name: 'helpdesk-1', uid: 'j' } },
} as TrainingGoal;

const job = (phase: string, percent: number, limit = '1.00', step = 0): TrainingJob =>
  ({
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingJob',
    metadata: { name: 'helpdesk-1', namespace: 'default', uid: 'j', generation: 1 },
    spec: { run: { contract: { budget: { alertAt: 80, warnAt: 95 } } }, replicas: 1 },
    status: {
      phase,
      attempts: [{ number: 1, provider: 'local', state: 'Running', resumedFromStep: 0, createdAt: at }],
      progress: {
        step: percent * 2,
        totalSteps: 200,
        percent,
        loss: '1.5',
        lossHistory: ['3', '2', '1.5'],
        etaSeconds: 90,
        secondsPerStep: '0.5',
        device: 'cpu',
        updatedAt: at,
      },
      cost: {
        limit,
        spent: '0.50',
        percentUsed: 50,
        ratePerHour: '6.00',
        forecast: '1.20',
        forecastFits: false,
        reserve: '0.05',
      },
      checkpoints: step === 0 ? [] : [{ step, createdAt: at, verifiedAt: at }],
    },
  }) as unknown as TrainingJob;

const event = (uid: string, reason: string, message: string, count = 1, lastTimestamp = at): KubeEvent => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: uid, uid },
  type: 'Normal',
  reason,
  message,
  count,
  lastTimestamp,
  involvedObject: { kind: 'TrainingJob', name: 'helpdesk-1' },
});

const snapshot = (part: Partial<Snapshot['story']> = {}, trouble?: string): Snapshot => ({
  story: { goal, events: [], ...part },
  trouble,
});

describe('changeLines', () => {
  it('tells one line a change, and nothing twice', () => {
    const first = changeLines(nothingTold, snapshot({ job: job('Running', 10) }));
    expect(first.lines).toEqual([
      'helpdesk: Running',
      'helpdesk: attempt 1 from step 0',
      'helpdesk: 10 %, step 20 of 200, loss 1.5, $0.50 of $1.00 (50 %), 1m30s left',
    ]);
    expect(changeLines(first.told, snapshot({ job: job('Running', 10) })).lines).toEqual([]);
  });

  it('waits for progress that is worth a line, and always tells the end', () => {
    const { told } = changeLines(nothingTold, snapshot({ job: job('Running', 94) }));
    expect(changeLines(told, snapshot({ job: job('Running', 98) })).lines).toEqual([]);
    expect(changeLines(told, snapshot({ job: job('Running', 100) })).lines).toHaveLength(1);
  });

  it('tells events in the order they happened, and again when they are repeated', () => {
    const later = event('b', 'Second', 'two', 1, '2026-01-01T00:00:30Z');
    const first = changeLines(nothingTold, snapshot({ events: [later, event('a', 'First', 'one\nline')] }));
    expect(first.lines.slice(0, 2)).toEqual(['job/helpdesk-1: First: one line', 'job/helpdesk-1: Second: two']);
    expect(changeLines(first.told, snapshot({ events: [later, event('a', 'First', 'one', 2)] })).lines).toEqual([
      'job/helpdesk-1: First: one',
    ]);
  });

  it('tells a raise, a checkpoint and an outage with its end', () => {
    const { told } = changeLines(nothingTold, snapshot({ job: job('Frozen', 50) }));
    expect(changeLines(told, snapshot({ job: job('Frozen', 50, '2.00', 100) })).lines).toEqual([
      'helpdesk: limit $1.00 -> $2.00',
      'helpdesk: checkpoint at step 100',
    ]);
    const away = changeLines(told, snapshot({ job: job('Frozen', 50) }, 'the API server does not answer'));
    expect(away.lines).toEqual(['helpdesk: the API server does not answer']);
    expect(changeLines(away.told, snapshot({ job: job('Frozen', 50) })).lines).toEqual([
      'helpdesk: the API server answers again',
    ]);
  });

  it('lets no message steer the terminal', () => {
    const { lines } = changeLines(nothingTold, snapshot({ events: [event('a', 'Odd', 'x\u001b[2Jy\u0007')] }));
    expect(lines[0]).toBe('job/helpdesk-1: Odd: xy');
  });
});

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
    expect(text).toMatch(/Progress {2}\[█{20}░{20}\] {2}50 % {2}100\/200/);
    expect(text).toContain('█▃▁ 3.000 to 1.500');
    expect(text).toMatch(/Budget {4}\[█{20}░+┊░+┊░+\] {2}50 % {2}\$0\.50 of \$1\.00/);
    expect(text).toContain('Forecast  $1.20 more than the limit');
    expect(text).toContain('$6.00/h, 0.5 s/step, 1m30s left, cpu');
    expect(text).toContain('Saved     step 40, 1m ago, verified');
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
