import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownRecord } from './identity.ts';
import { readLock, tryLock, waitForLock } from './lock.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kriptik-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a lock', () => {
  it('is held by one at a time, and the other learns by whom', () => {
    const first = tryLock(path);
    expect(first).toHaveProperty('release');
    expect(tryLock(path)).toEqual({ heldBy: ownRecord('owner') });
  });

  it('can be taken again after its release, which leaves no file', () => {
    const first = tryLock(path);
    if ('release' in first) first.release();
    expect(readdirSync(folder)).toEqual([]);
    expect(tryLock(path)).toHaveProperty('release');
  });

  it.each([
    ['whose holder is dead', JSON.stringify({ name: 'owner', pid: 2 ** 22 + 1, started: 'x' })],
    ['whose pid was given to another process', JSON.stringify({ name: 'owner', pid: process.pid, started: 'x' })],
    ['that was cut short by a full disk', '{"pid": 1'],
  ])('is taken over %s', (_name, text) => {
    writeFileSync(path, text);
    expect(tryLock(path)).toHaveProperty('release');
    expect(readLock(path)).toEqual(ownRecord('owner'));
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('of a new holder is not removed by a late release', () => {
    const first = tryLock(path);
    const other = { ...ownRecord('other'), started: 'later' };
    writeFileSync(path, JSON.stringify(other));
    if ('release' in first) first.release();
    expect(existsSync(path)).toBe(true);
  });

  it('is waited for until it is released', async () => {
    const first = tryLock(path);
    const told: number[] = [];
    const second = waitForLock(path, (holder) => {
      told.push(holder.pid);
      if ('release' in first) first.release();
    });
    (await second).release();
    expect(told).toEqual([process.pid]);
  });
});
