import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { isAlive, ownRecord, parseProcStat, recordOf, signalRecorded } from './identity.ts';

describe('the record of a process', () => {
  it('matches this very process and no other start of the same pid', () => {
    const record = ownRecord('test');
    expect(isAlive(record)).toBe(true);
    expect(isAlive({ ...record, started: `${record.started}1` })).toBe(false);
  });

  it('no longer matches once the process has ended', async () => {
    const child = spawn('sleep', ['60']);
    const record = recordOf('sleep', child.pid ?? 0) ?? expect.fail('sleep did not start');
    signalRecorded(record, 'SIGKILL');
    await once(child, 'exit');
    await vi.waitUntil(() => !isAlive(record), 30_000);
    expect(recordOf('sleep', record.pid)).toBeUndefined();
  });

  it('keeps a signal from a process that was given the pid later', () => {
    signalRecorded({ ...ownRecord('test'), started: 'another time' }, 'SIGKILL');
    expect(isAlive(ownRecord('test'))).toBe(true);
  });
});

it('reads /proc/PID/stat although a command may hold spaces and brackets', () => {
  const fields = Array.from({ length: 30 }, (_, index) => String(index + 4));
  const stat = `42 (a) b (c) R ${fields.join(' ')}`;
  expect(parseProcStat(stat)).toEqual({ state: 'R', startTicks: '22' });
});
