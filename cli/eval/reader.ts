import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';
import type { IntentDraft } from '@kriptik/operator/intent/types.ts';
import { usageError } from '../errors.ts';
import type { Host } from '../host.ts';

export const ENGINES = ['offline', 'claude'] as const;
export type Engine = (typeof ENGINES)[number];

/** Reads goals; answers stand in the order of the texts. */
type Reader = (texts: readonly string[]) => Promise<IntentDraft[]>;

/** Requests that run at the same time. */
const AT_ONCE = 4;

/**
 * The engine as the product runs it: the embedded rules alone, or Claude with the embedded rules' refusals and
 * warnings on top. An answer that does not come ends the reading: a score over the rest would not be one.
 *
 * @throws CliError (usage) when the engine needs a key that is not there.
 */
export async function engineReader(
  engine: Engine,
  catalog: Catalog,
  host: Pick<Host, 'env' | 'clock' | 'signal'>,
): Promise<Reader> {
  const { readOffline } = await import('@kriptik/operator/intent/offline/parser.ts');
  if (engine === 'offline') return async (texts) => texts.map((text) => readOffline(text, catalog));
  const [{ intentParsers }, { mergeEmbedded }] = await Promise.all([
    import('@kriptik/operator/intent/parsers.ts'),
    import('@kriptik/operator/intent/parse.ts'),
  ]);
  const [parser] = intentParsers(host.env, host.clock);
  if (parser === undefined)
    throw usageError('the engine claude needs a key', 'Set ANTHROPIC_API_KEY, or use --engine offline.');
  return (texts) =>
    inParallel(texts, AT_ONCE, async (goal) => {
      const { draft } = await parser.parse({ goal: { goal }, catalog }, { signal: host.signal });
      return mergeEmbedded(draft, readOffline(goal, catalog));
    });
}

async function inParallel<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Map<number, R>();
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results.set(index, await work(item));
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}
