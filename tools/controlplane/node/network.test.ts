import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseNetwork, networkOf } from './network.ts';

/** Draws the given numbers, one after another. */
const drawing = (...numbers: readonly number[]) => {
  const left = [...numbers];
  return () => left.shift() ?? expect.fail('drew too often');
};

describe('the network of a node', () => {
  it('is a /24 of its own: the host, the node, and pods in its upper half', () => {
    expect(chooseNetwork('0a1b2c3d', [], drawing(201, 7))).toEqual({
      name: 'kriptik-0a1b2c3d',
      link: 'kriptik0a1b2c3d',
      host: '10.201.7.1',
      node: '10.201.7.2',
      pods: '10.201.7.128/25',
      gateway: '10.201.7.129',
    });
  });

  it('has a name for its interface that the system takes', () => {
    expect(chooseNetwork('0a1b2c3d', []).link.length).toBeLessThanOrEqual(15);
  });

  it('avoids the ranges of addresses that this machine has', () => {
    expect(chooseNetwork('id', ['10.201.7.1'], drawing(201, 7, 201, 70)).host).toBe('10.201.70.1');
  });

  it('gives up when no range is free', () => {
    expect(() => chooseNetwork('id', ['10.192.0.1'], (from) => from)).toThrow(/No free range/);
  });

  it('stays that of the last start in a data directory', () => {
    const directory = mkdtempSync(join(tmpdir(), 'kriptik-network-'));
    try {
      expect(networkOf(directory)).toEqual(networkOf(directory));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
