import type { Attempt } from '@kriptik/crds';
import { exponentialMs } from '../runtime/exponential.ts';
import { endedUnused } from './attempts.ts';
import type { JobObserved, ProviderView, Situation } from './types.ts';

/** Whose turn it is, or how long to wait for one. */
export type Turn = { readonly provider: ProviderView } | { readonly waitMs: number; readonly situation: Situation };

/**
 * The provider of the next attempt: the first of the approved order that can take it and was not tried in vain since
 * an attempt last ran. Once all were tried they are tried again, after a wait that doubles from round to round.
 */
export function nextTurn(o: JobObserved, attempts: readonly Attempt[]): Turn {
  const usable = o.providers.filter(isUsable);
  const vain = unusedInARow(attempts);
  const { tried, rounds } = roundOf(vain);
  const untried = usable.find(({ name }) => !tried.has(name));
  if (untried !== undefined) return { provider: untried };
  const [first] = usable;
  const last = vain.at(-1);
  if (first === undefined || last === undefined) return { waitMs: o.settings.waitMs, situation: noProvider(o) };
  const again =
    Date.parse(last.goneAt ?? last.createdAt) + exponentialMs(rounds, o.settings.waitMs, o.settings.maxWaitMs);
  if (o.now >= again) return { provider: first };
  return { waitMs: again - o.now, situation: allTried(o, vain, tried, again) };
}

function isUsable({ ready, dearer, outOfReach }: ProviderView): boolean {
  return ready && dearer === undefined && outOfReach === undefined;
}

/** The newest attempts that never ran, oldest first. */
function unusedInARow(attempts: readonly Attempt[]): readonly Attempt[] {
  const before = attempts.findLastIndex((attempt) => !endedUnused(attempt));
  return attempts.slice(before + 1);
}

/** Providers tried in the round under way, and rounds begun so far. */
function roundOf(vain: readonly Attempt[]): { tried: ReadonlySet<string>; rounds: number } {
  let tried = new Set<string>();
  let rounds = 1;
  for (const { provider } of vain) {
    if (tried.has(provider)) {
      tried = new Set();
      rounds += 1;
    }
    tried.add(provider);
  }
  return { tried, rounds };
}

/** Names what each provider said; the same words until something is tried again, so that waiting writes nothing. */
function allTried(o: JobObserved, vain: readonly Attempt[], tried: ReadonlySet<string>, again: number): Situation {
  const said = o.providers.map((provider) => {
    const last = tried.has(provider.name) ? vain.findLast((one) => one.provider === provider.name) : undefined;
    return `${provider.name}: ${last?.message ?? hindrance(provider)}`;
  });
  const when = new Date(again).toISOString();
  return pending('NoCapacity', `No approved provider could start it; tried again at ${when}. ${said.join('; ')}`);
}

function hindrance(provider: ProviderView): string {
  if (provider.outOfReach !== undefined) return provider.outOfReach;
  if (provider.dearer === undefined) return provider.message;
  return `asks ${provider.dearer} an hour, above the approved ${provider.unitPricePerHour}`;
}

function noProvider(o: JobObserved): Situation {
  const dearer = o.providers.find((provider) => provider.dearer !== undefined && provider.outOfReach === undefined);
  if (dearer !== undefined) {
    const message = `${dearer.name} now asks ${dearer.dearer} an hour, above the approved ${dearer.unitPricePerHour}`;
    return pending('PriceAboveApproval', `${message}; approve a new plan or wait for the price`);
  }
  const why = o.providers.map((provider) => `${provider.name}: ${hindrance(provider)}`).join('; ');
  const stranded = o.providers.some(({ ready, outOfReach }) => ready && outOfReach !== undefined);
  if (stranded) return pending('StoreOutOfReach', why);
  return pending('NoProviderReady', why || 'the approved plan names no provider');
}

function pending(reason: string, message: string): Situation {
  return { kind: 'Pending', reason, message: message.slice(0, 4096) };
}
