import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAlive, type ProcessRecord } from './identity.ts';
import { PROCESSES_FILE } from './protocol.ts';
import { type Supervised, supervise } from './supervised.ts';

let directory: string;
let supervised: Supervised;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kriptik-supervised-'));
  mkdirSync(join(directory, 'logs'));
  supervised = supervise(directory, { removeWhenOrphaned: true });
});
afterEach(async () => {
  await supervised.stop({ graceMs: 0, remove: true });
  rmSync(directory, { recursive: true, force: true });
});

const records = () => JSON.parse(readFileSync(join(directory, PROCESSES_FILE), 'utf8')) as ProcessRecord[];

describe('supervised programs', () => {
  it('are recorded while they run, and ended with the supervisor', async () => {
    const pid = await supervised.start('one', 'sleep', ['60']);
    await supervised.start('two', 'sleep', ['60']);
    const running = records();
    expect(running.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(running[0]?.pid).toBe(pid);
    await supervised.stop({ graceMs: 1_000, remove: false });
    expect(running.filter(isAlive)).toEqual([]);
    expect(records()).toEqual([]);
  });

  it('are killed when they do not heed the request to end', async () => {
    await supervised.start('stubborn', 'sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done']);
    await vi.waitUntil(() => readFileSync(supervised.logPath('stubborn'), 'utf8') !== '', 30_000);
    const running = records();
    await supervised.stop({ graceMs: 200, remove: true });
    expect(running.filter(isAlive)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  it('tell with the end of their log that they ended by themselves', async () => {
    await supervised.start('broken', 'sh', ['-c', 'echo cannot bind >&2; exit 3']);
    await expect(supervised.whenEnded('broken')).rejects.toThrow(/broken ended \(exit code 3\)[\s\S]*cannot bind/);
  });

  it('tell that a program cannot be started', async () => {
    await expect(supervised.start('absent', join(directory, 'absent'), [])).rejects.toThrow(/absent ended \(.*ENOENT/);
  });

  it('can be ended and started anew', async () => {
    const first = await supervised.start('one', 'sleep', ['60']);
    await supervised.endPrograms();
    expect(records()).toEqual([]);
    expect(await supervised.start('one', 'sleep', ['60'])).not.toBe(first);
  });

  it('are no failure when they were ended on purpose, and the others go on', async () => {
    await supervised.start('one', 'sleep', ['60']);
    await supervised.start('two', 'sleep', ['60']);
    const failed = supervised.whenEnded('one').catch((error: Error) => error.message);
    await supervised.endPrograms(['one']);
    expect(records().map(({ name }) => name)).toEqual(['two']);
    const again = await supervised.start('one', 'sleep', ['60']);
    process.kill(again, 'SIGKILL');
    expect(await failed).toContain('one ended (signal SIGKILL)');
  });

  it('have what they started recorded and ended too, once it is adopted', async () => {
    const shell = await supervised.start('shell', 'sh', ['-c', 'sleep 60 & echo $!; wait']);
    const pid = await vi.waitUntil(
      () => Number(readFileSync(supervised.logPath('shell'), 'utf8')) || undefined,
      30_000,
    );
    await supervised.adopt('sleeper', pid);
    const [first, sleeper] = records();
    expect(first?.pid).toBe(shell);
    expect(sleeper).toMatchObject({ name: 'sleeper', pid });
    await supervised.stop({ graceMs: 0, remove: false });
    expect(sleeper && isAlive(sleeper)).toBe(false);
  });

  it('tell that what is to be adopted has ended before', async () => {
    await expect(supervised.adopt('gone', 2 ** 22 + 1)).rejects.toThrow(/gone ended/);
  });
});
