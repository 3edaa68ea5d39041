import type { Clock } from './runtime/clock.ts';

/** An answer is kept this long, in ms. */
const REMEMBER_MS = 600_000;

/** A hub that does not answer by then counts as out of reach, in ms. */
const TIMEOUT_MS = 3_000;

/**
 * Whether models can be had from the Hugging Face Hub (or the mirror HF_ENDPOINT names). Asked seldom: plans
 * choose another source for a model when the hub is out of reach.
 */
export function hubProbe(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  fetchHead: (url: string, signal: AbortSignal) => Promise<unknown> = (url, signal) =>
    fetch(url, { method: 'HEAD', signal }),
): () => Promise<boolean> {
  let known: { reachable: boolean; at: number } | undefined;
  return async () => {
    if (env['HF_HUB_OFFLINE'] === '1') return false;
    if (known !== undefined && clock.now() - known.at < REMEMBER_MS) return known.reachable;
    const url = env['HF_ENDPOINT'] ?? 'https://huggingface.co';
    const reachable = await fetchHead(url, AbortSignal.timeout(TIMEOUT_MS)).then(
      () => true,
      () => false,
    );
    known = { reachable, at: clock.now() };
    return reachable;
  };
}
