import { describe, expect, it } from 'vitest';
import { type MachineFacts, nodeUnavailable } from './available.ts';

const ABLE: MachineFacts = { platform: 'linux', uid: 0, hasCommand: () => true, ownsControlGroups: true };

describe('whether a node can run here', () => {
  it('is so for root on Linux with the usual tools', () => {
    expect(nodeUnavailable(ABLE)).toBeUndefined();
  });

  it.each<[string, Partial<MachineFacts>, RegExp]>([
    ['another system', { platform: 'darwin' }, /needs Linux; this is darwin/],
    ['another user', { uid: 1000 }, /needs root/],
    [
      'tools that are missing',
      { hasCommand: (name) => name !== 'ip' && name !== 'nsenter' },
      /needs nsenter, ip on PATH/,
    ],
    ['control groups of others', { ownsControlGroups: false }, /control groups/],
  ])('is denied with a remedy for %s', (_name, facts, reason) => {
    const said = nodeUnavailable({ ...ABLE, ...facts });
    expect(said).toMatch(reason);
    expect(said).toContain('set KUBECONFIG');
  });
});
