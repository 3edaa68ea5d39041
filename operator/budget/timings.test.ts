import type { ProviderTimings } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { remember, worst } from './timings.ts';

const saves = (seconds: readonly number[], provider = 'here', from?: readonly ProviderTimings[]) =>
  seconds.reduce<readonly ProviderTimings[] | undefined>(
    (memory, one, index) =>
      remember(memory, { provider, checkpoint: { seconds: one, manifestSha256: `${provider}-${index}-${one}` } }),
    from,
  );

describe('what saving and ending took', () => {
  it('is not known before it was measured', () => {
    expect(worst(undefined, 'here', 'checkpointSeconds')).toBeUndefined();
    expect(worst(saves([1]), 'here', 'teardownSeconds')).toBeUndefined();
    expect(worst(saves([1]), 'cloud', 'checkpointSeconds')).toBeUndefined();
  });

  it('is the worst of the last five', () => {
    expect(worst(saves([9, 1, 2, 3]), 'here', 'checkpointSeconds')).toBe(9);
    expect(worst(saves([9, 1, 2, 3, 1, 2]), 'here', 'checkpointSeconds')).toBe(3);
  });

  it('counts a save once, however often it is reported', () => {
    const memory = saves([4]);
    expect(remember(memory, { provider: 'here', checkpoint: { seconds: 4, manifestSha256: 'here-0-4' } })).toBe(memory);
  });

  it('is kept by provider, ends beside saves', () => {
    const memory = remember(saves([2], 'cloud', saves([1])), { provider: 'here', teardownSeconds: 7.25 });
    expect(worst(memory, 'here', 'checkpointSeconds')).toBe(1);
    expect(worst(memory, 'here', 'teardownSeconds')).toBe(7.25);
    expect(worst(memory, 'cloud', 'checkpointSeconds')).toBe(2);
  });

  it('forgets the provider that was measured longest ago', () => {
    const memory = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].reduce<readonly ProviderTimings[] | undefined>(
      (all, provider) => saves([1], provider, all),
      undefined,
    );
    expect(memory?.map(({ provider }) => provider)).toEqual(['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
  });

  it('does not believe an absurd one', () => {
    expect(worst(saves([1e9]), 'here', 'checkpointSeconds')).toBe(3_600);
  });
});
