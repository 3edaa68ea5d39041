import type { Deed, Schedule } from './schedule.ts';

/** Runs that one shrinking may take: what is left then is small enough to read. */
const MOST_TRIES = 400;

/**
 * A smaller schedule that still fails: takes faults, people, deeds, the policy and unused providers away for as long as
 * it fails all the same, in halves first and then one by one. Of one that tells its end, only faults can be taken away.
 */
export async function shrink(failing: Schedule, fails: (schedule: Schedule) => Promise<boolean>): Promise<Schedule> {
  let tries = 0;
  const still = async (schedule: Schedule): Promise<boolean> => {
    tries += 1;
    return tries <= MOST_TRIES && (await fails(schedule));
  };
  let best = failing;
  for (let size = Number.POSITIVE_INFINITY; sizeOf(best) < size; ) {
    size = sizeOf(best);
    const faults = await fewest(best.faults, async (kept) => await still({ ...best, faults: kept }));
    best = { ...best, faults };
    // Where the end is told, it is that of what people do.
    if (best.end !== undefined) continue;
    const people = await fewest(best.people, async (kept) => await still({ ...best, people: kept }));
    best = { ...best, people };
    for (const [index, deeds] of best.people.entries()) {
      const put = (kept: readonly Deed[]): Schedule => ({ ...best, people: best.people.with(index, kept) });
      best = put(await fewest(deeds, async (kept) => await still(put(kept))));
    }
    const providers = await fewest(
      best.providers,
      async (kept) => kept.length > 0 && (await still({ ...best, providers: kept })),
    );
    best = { ...best, providers };
    const { policy: _policy, ...free } = best;
    if (best.policy !== undefined && (await still(free))) best = free;
    const fewer = { ...best, goals: best.goals.slice(0, -1) };
    if (fewer.goals.length > 0 && (await still(fewer))) best = fewer;
  }
  return best;
}

function sizeOf({ faults, people, providers, policy, goals }: Schedule): number {
  return faults.length + people.flat().length + providers.length + goals.length + (policy === undefined ? 0 : 1);
}

/** The fewest items that still fail: drops stretches of them, half of all first, single ones last. */
async function fewest<T>(items: readonly T[], still: (kept: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = items;
  for (let stretch = Math.ceil(kept.length / 2); stretch >= 1 && kept.length > 0; stretch = Math.floor(stretch / 2)) {
    for (let from = 0; from < kept.length; ) {
      const without = [...kept.slice(0, from), ...kept.slice(from + stretch)];
      if (await still(without)) kept = without;
      else from += stretch;
    }
  }
  return kept;
}
