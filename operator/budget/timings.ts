import type { ProviderTimings } from '@kriptik/crds';

/** Measurements that count: the worst of the last few, so that one slow day is forgotten after as many good ones. */
const REMEMBERED = 5;

/** Providers that are remembered; the one not used for longest goes. */
const PROVIDERS = 8;

/** A measurement beyond this is a fault to look into, not a reason to keep so much money back; seconds. */
const LONGEST_SECONDS = 3_600;

/** Something measured on a provider, in seconds. */
export interface Measured {
  readonly provider: string;
  /** A save that ended, with the hash of what it saved: the same one counts once. */
  readonly checkpoint?: { readonly seconds: number; readonly manifestSha256: string } | undefined;
  /** From the end of the trainer to the verified absence of its instance. */
  readonly teardownSeconds?: number | undefined;
}

/** The memory with a measurement added; the very same object where there was nothing new. */
export function remember(
  memory: readonly ProviderTimings[] | undefined,
  { provider, checkpoint, teardownSeconds }: Measured,
): readonly ProviderTimings[] | undefined {
  const before = memory?.find((one) => one.provider === provider);
  const saved = checkpoint !== undefined && checkpoint.manifestSha256 !== before?.lastCheckpoint;
  if (!saved && teardownSeconds === undefined) return memory;
  const after: ProviderTimings = {
    ...before,
    provider,
    ...(saved && {
      lastCheckpoint: checkpoint.manifestSha256,
      checkpointSeconds: appended(before?.checkpointSeconds, checkpoint.seconds),
    }),
    ...(teardownSeconds !== undefined && { teardownSeconds: appended(before?.teardownSeconds, teardownSeconds) }),
  };
  return [...(memory ?? []).filter((one) => one !== before), after].slice(-PROVIDERS);
}

/** The worst of what is remembered, in seconds; undefined where nothing was measured on this provider. */
export function worst(
  memory: readonly ProviderTimings[] | undefined,
  provider: string,
  what: 'checkpointSeconds' | 'teardownSeconds',
): number | undefined {
  const values = memory?.find((one) => one.provider === provider)?.[what]?.map(Number) ?? [];
  return values.length === 0 ? undefined : Math.max(...values);
}

function appended(before: readonly string[] | undefined, seconds: number): string[] {
  const bounded = Math.min(LONGEST_SECONDS, Math.max(0, seconds));
  return [...(before ?? []), String(Number(bounded.toFixed(3)))].slice(-REMEMBERED);
}
