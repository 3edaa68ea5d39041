import type { Attempt } from '@kriptik/crds';
import { exponentialMs } from '../runtime/exponential.ts';
import { endedUnused } from './attempts.ts';
import { hasRoomOn } from './room.ts';
import type { JobObserved, ProviderView, Situation } from './types.ts';

/** Whose turn it is, or how long to wait for one. */
export type Turn = { readonly provider: ProviderView } | { readonly waitMs: number; readonly situation: Situation };

/**
 * The provider of the next attempt: the first of the approved order that can take it and was not tried in vain since
 * an attempt last ran. Once all were tried they are tried again, after a wait that doubles from round to round.
 */
export function nextTurn(o: JobObserved, attempts: readonly Attempt[]): Turn {
  const usable = o.providers.filter((provider) => hindrance(o, attempts, provider) === undefined);
  const vain = unusedInARow(attempts);
  const { tried, rounds } = roundOf(vain);
  const untried = usable.find(({ name }) => !tried.has(name));
  if (untried !== undefined) return { provider: untried };
  const [first] = usable;
  const last = vain.at(-1);
  if (first === undefined || last === undefined)
    return { waitMs: o.settings.waitMs, situation: noProvider(o, attempts) };
  const again =
    Date.parse(last.goneAt ?? last.createdAt) + exponentialMs(rounds, o.settings.waitMs, o.settings.maxWaitMs);
  if (o.now >= again) return { provider: first };
  return { waitMs: again - o.now, situation: allTried(o, attempts, tried, again) };
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
function allTried(o: JobObserved, attempts: readonly Attempt[], tried: ReadonlySet<string>, again: number): Situation {
  const vain = unusedInARow(attempts);
  const said = o.providers.map((provider) => {
    const last = tried.has(provider.name) ? vain.findLast((one) => one.provider === provider.name) : undefined;
    return `${provider.name}: ${last?.message ?? hindrance(o, attempts, provider) ?? provider.message}`;
  });
  const when = new Date(again).toISOString();
  return pending('NoCapacity', `No approved provider could start it; tried again at ${when}. ${said.join('; ')}`);
}

/** Why the next attempt cannot go to a provider; undefined when it can. */
function hindrance(o: JobObserved, attempts: readonly Attempt[], provider: ProviderView): string | undefined {
  const { outOfReach, ready, dearer, message, unitPricePerHour } = provider;
  if (outOfReach !== undefined) return outOfReach;
  if (!ready) return message;
  if (dearer !== undefined) return `asks ${dearer} an hour, above the approved ${unitPricePerHour}`;
  if (hasRoomOn(o, attempts, provider)) return undefined;
  return `what is left of the budget does not pay for a start at ${unitPricePerHour} an hour`;
}

function noProvider(o: JobObserved, attempts: readonly Attempt[]): Situation {
  const dearer = o.providers.find((provider) => provider.dearer !== undefined && provider.outOfReach === undefined);
  if (dearer !== undefined) {
    const message = `${dearer.name} now asks ${dearer.dearer} an hour, above the approved ${dearer.unitPricePerHour}`;
    return pending('PriceAboveApproval', `${message}; approve a new plan or wait for the price`);
  }
  const why = o.providers.map((provider) => `${provider.name}: ${hindrance(o, attempts, provider) ?? 'is free'}`);
  const stranded = o.providers.some(({ ready, outOfReach }) => ready && outOfReach !== undefined);
  const message = why.join('; ') || 'the approved plan names no provider';
  return { ...pending('NoProviderReady', message), ...(stranded && { reason: 'StoreOutOfReach' }) };
}

function pending(reason: string, message: string): Situation {
  return { kind: 'Pending', reason, message: message.slice(0, 4096) };
}
