import { describe, expect, it } from 'vitest';
import { changeLines, firstLine } from './lines.ts';
import type { Snapshot } from './snapshot.ts';
import { event, goal, job, snapshot } from './testing.ts';

const begun = (first: Snapshot = snapshot()) => firstLine(first).told;
const later = '2026-01-01T00:00:30Z';

const withMessage = (phase: string, message: string): Snapshot => {
  const frozen = job(phase, 50);
  const condition = { type: phase, status: 'True' as const, reason: phase, message, lastTransitionTime: later };
  return snapshot({ job: { ...frozen, status: { ...frozen.status, conditions: [condition] } } });
};

describe('firstLine', () => {
  it('tells in one line where a run stands', () => {
    expect(firstLine(snapshot({ job: job('Running', 10) })).line).toBe(
      'helpdesk: Running, 10 %, step 20 of 200, loss 1.5, $0.50 of $1.00 (50 %), 1m30s left',
    );
    expect(firstLine(snapshot({ job: job('Frozen', 10) })).line).not.toContain('left');
  });

  it('tells what is known while nothing runs', () => {
    expect(firstLine(snapshot()).line).toBe('helpdesk: Training');
  });

  it('leaves what happened before untold', () => {
    const old = [event('a', 'AttemptFrozen', 'Attempt 1 ended'), event('b', 'BudgetTooSmall', 'Costs $0.47')];
    const now = snapshot({ job: job('Frozen', 50, '1.00', 40), events: old });
    const { told } = firstLine(now);
    expect(changeLines(told, now).lines).toEqual([]);
    const fresh = event('c', 'AttemptLost', 'gone', 1, later);
    expect(changeLines(told, snapshot({ ...now.story, events: [...old, fresh] })).lines).toEqual([
      'job/helpdesk-1: AttemptLost: gone',
    ]);
  });
});

describe('changeLines', () => {
  it('tells one line a change, and nothing twice', () => {
    const first = changeLines(begun(), snapshot({ job: job('Running', 10) }));
    expect(first.lines).toEqual([
      'helpdesk: attempt 1 on local at $6.00 an hour, from step 0',
      'helpdesk: 10 %, step 20 of 200, loss 1.5, $0.50 of $1.00 (50 %), 1m30s left',
      'helpdesk: Running',
    ]);
    expect(changeLines(first.told, snapshot({ job: job('Running', 10) })).lines).toEqual([]);
  });

  it('waits for progress that is worth a line, and always tells the end', () => {
    const told = begun(snapshot({ job: job('Running', 94) }));
    expect(changeLines(told, snapshot({ job: job('Running', 98) })).lines).toEqual([]);
    expect(changeLines(told, snapshot({ job: job('Running', 100) })).lines).toHaveLength(1);
  });

  it('tells events in the order they happened, and again when they are repeated', () => {
    const second = event('b', 'Second', 'two', 1, later);
    const first = changeLines(begun(), snapshot({ events: [second, event('a', 'First', 'one\nline')] }));
    expect(first.lines).toEqual(['job/helpdesk-1: First: one line', 'job/helpdesk-1: Second: two']);
    expect(changeLines(first.told, snapshot({ events: [second, event('a', 'First', 'one', 2)] })).lines).toEqual([
      'job/helpdesk-1: First: one',
    ]);
  });

  it('tells a change of phase once, with its reason, however many objects report it', () => {
    const { story } = withMessage('Frozen', 'The checkpoint of step 14 is saved. Raise the budget to resume');
    const goalEvent = {
      ...event('a', 'Frozen', 'The checkpoint of step 14 is saved. Raise the budget to resume', 1, later),
      involvedObject: { kind: 'TrainingGoal', name: goal.metadata.name },
    };
    const told = begun(snapshot({ job: job('Freezing', 50) }));
    expect(changeLines(told, snapshot({ ...story, events: [goalEvent] })).lines).toEqual([
      'helpdesk: Frozen: The checkpoint of step 14 is saved. Raise the budget to resume',
    ]);
  });

  it('tells a warning again only when it says something else, or after a while', () => {
    const warning = (uid: string, message: string, when: string) => ({
      ...event(uid, 'BudgetTooSmall', message, 1, when),
      type: 'Warning',
    });
    const one = warning('a', 'about 5 of 80 fit', '2026-01-01T00:00:10Z');
    const same = warning('b', 'about 4 of 80 fit', '2026-01-01T00:00:20Z');
    const other = warning('c', 'nothing fits', '2026-01-01T00:00:30Z');
    const muchLater = warning('d', 'about 3 of 80 fit', '2026-01-01T01:00:00Z');
    const first = changeLines(begun(), snapshot({ events: [one, same] }));
    expect(first.lines).toEqual(['job/helpdesk-1: Warning BudgetTooSmall: about 5 of 80 fit']);
    expect(changeLines(first.told, snapshot({ events: [one, same, other, muchLater] })).lines).toEqual([
      'job/helpdesk-1: Warning BudgetTooSmall: nothing fits',
      'job/helpdesk-1: Warning BudgetTooSmall: about 3 of 80 fit',
    ]);
  });

  it('tells a raise, a checkpoint and an outage with its end', () => {
    const told = begun(snapshot({ job: job('Frozen', 50) }));
    expect(changeLines(told, snapshot({ job: job('Frozen', 50, '2.00', 100) })).lines).toEqual([
      'helpdesk: limit $1.00 -> $2.00',
      'helpdesk: checkpoint at step 100',
    ]);
    const away = changeLines(told, snapshot({ job: job('Frozen', 50) }, 'the API server does not answer'));
    expect(away.lines).toEqual(['helpdesk: the API server does not answer']);
    expect(changeLines(away.told, snapshot({ job: job('Frozen', 50) })).lines).toEqual(['helpdesk: all well again']);
  });

  it('lets no message steer the terminal', () => {
    const { lines } = changeLines(begun(), snapshot({ events: [event('a', 'Odd', 'x\u001b[2Jy\u0007')] }));
    expect(lines[0]).toBe('job/helpdesk-1: Odd: xy');
  });
});
