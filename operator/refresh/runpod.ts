import { z } from 'zod';
import type { Catalog, PriceRow } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import { type Refreshed, RefreshProblem } from './types.ts';

/** GET /v2/catalog/gpus of the provider's API, as far as prices go. Prices are dollars per GPU and hour. */
const listing = z.object({
  gpus: z.array(
    z.object({
      id: z.string().min(1),
      secure: z.boolean(),
      community: z.boolean(),
      price: z.object({ secure: z.number().nonnegative(), community: z.number().nonnegative() }),
    }),
  ),
});

export const RUNPOD_URL = 'https://api.runpod.io';

export interface RunpodOptions {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly today: string;
}

/**
 * Today's list prices of single GPUs in both clouds. GPU types that the catalog
 * does not know are named, not guessed at. Rejects with RefreshProblem.
 */
export async function runpodPrices(catalog: Catalog, options: RunpodOptions): Promise<Refreshed<PriceRow>> {
  const { key, url, timeoutMs, signal, today } = options;
  if (!key) throw new RefreshProblem('needs a key of the provider', 'Set RUNPOD_API_KEY.');
  const answer = await ask(`${url}/v2/catalog/gpus`, key, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  const parsed = listing.safeParse(answer);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RefreshProblem(
      `answered in a form that is not known: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
      'See whether a newer KripTik reads it.',
    );
  }
  const known = parsed.data.gpus.map((offer) => ({ offer, gpu: findGpu(catalog, offer.id)?.id }));
  return {
    rows: known.flatMap(({ offer, gpu }) =>
      gpu === undefined
        ? []
        : (['secure', 'community'] as const)
            // A cloud that does not offer the GPU shows a price of zero.
            .filter((tier) => offer[tier] && offer.price[tier] > 0)
            .map((tier) => rowOf(tier, gpu, offer.price[tier], today)),
    ),
    unknown: known.filter(({ gpu }) => gpu === undefined).map(({ offer }) => offer.id),
  };
}

function rowOf(tier: 'secure' | 'community', gpu: string, price: number, today: string): PriceRow {
  return {
    provider: 'runpod',
    tier,
    gpu,
    instance: 'pod',
    gpus: 1,
    // Prices come as 32-bit floats: what is beyond a hundredth of a cent is noise.
    usdPerGpuHour: String(Number(price.toFixed(4))),
    asOf: today,
    verified: true,
    source: 'runpod API v2 catalog/gpus',
  };
}

async function ask(url: string, key: string, signal: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { headers: { authorization: `Bearer ${key}`, accept: 'application/json' }, signal });
    if (response.ok) return await response.json();
  } catch (error) {
    throw unanswered(error);
  }
  await response.body?.cancel();
  throw refused(response);
}

function unanswered(error: unknown): RefreshProblem {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'TimeoutError') return new RefreshProblem('did not answer in time', 'Try again, or raise --timeout.');
  if (name === 'AbortError') return new RefreshProblem('was interrupted', 'Start again.');
  if (name === 'SyntaxError') return new RefreshProblem('answered with something that is no JSON', 'Try again later.');
  return new RefreshProblem(`cannot be reached: ${message}`, 'Check the network and a proxy, then try again.');
}

function refused({ status, headers }: Response): RefreshProblem {
  if (status === 401) return new RefreshProblem('does not accept the key (401)', 'Check RUNPOD_API_KEY.');
  if (status === 403) return new RefreshProblem('lets this key read no prices (403)', 'Give the key read access.');
  if (status === 429) {
    const wait = headers.get('retry-after');
    return new RefreshProblem('asks to wait (429)', wait === null ? 'Try again later.' : `Try again in ${wait} s.`);
  }
  return new RefreshProblem(`answered with status ${status}`, 'Try again later.');
}
