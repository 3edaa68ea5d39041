import { describe, expect, it } from 'vitest';
import { startFailure } from './failure.ts';

describe('a control plane that did not start', () => {
  it.each([
    ['the disk is full for us', 'ENOSPC: no space left on device, write', /needs about 200 MB\. Free some space/],
    [
      'the disk is full for etcd',
      'etcd ended (exit code 1). write wal: no space left on device',
      /The disk that holds \/run1/,
    ],
    ['the folder is not ours', "EACCES: permission denied, mkdir '/run1'", /may not write to \/run1/],
    ['the program is for another machine', 'spawn ENOEXEC', /another kind of machine/],
  ])('says what to do when %s', (_name, message, remedy) => {
    expect(startFailure(new Error(message), '/run1', '/run1/logs').message).toMatch(remedy);
  });

  it('always names the failure and its logs', () => {
    expect(startFailure(new Error('new to us'), '/run1', '/run1/logs').message).toBe(
      'The control plane did not start: new to us\nAll logs: /run1/logs',
    );
  });
});
