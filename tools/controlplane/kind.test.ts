import { describe, expect, it } from 'vitest';
import { closeKind, openKind, type Run } from './kind.ts';

function fakeKind(existing: string): { run: Run; calls: string[] } {
  const calls: string[] = [];
  const run: Run = (command, args) => {
    calls.push([command, ...args].join(' '));
    return Promise.resolve(args[0] === 'get' ? existing : '');
  };
  return { run, calls };
}

describe('kind', () => {
  it('makes a cluster where there is none, and deletes it at the end', async () => {
    const { run, calls } = fakeKind('other\n');
    await closeKind(await openKind('/run', run), run);
    expect(calls).toEqual([
      'kind get clusters',
      'kind create cluster --name kriptik --kubeconfig /run/kind.kubeconfig --wait 180s',
      'kind delete cluster --name kriptik --kubeconfig /run/kind.kubeconfig',
    ]);
  });

  it('uses a cluster that is there, and leaves it', async () => {
    const { run, calls } = fakeKind('kriptik\n');
    await closeKind(await openKind('/run', run), run);
    expect(calls).toEqual([
      'kind get clusters',
      'kind export kubeconfig --name kriptik --kubeconfig /run/kind.kubeconfig',
    ]);
  });
});
