import { addMoney, type MicroUsd, maxMoney, subtractMoney, zeroMoney } from '../money.ts';

/** What one job of a namespace has taken from a month's ceiling, and may still take. */
export interface Claim {
  readonly uid: string;
  readonly name: string;
  /** RFC 3339, set by the API server; with the uid it gives all jobs one order that everybody sees alike. */
  readonly createdAt: string;
  /** Spent within the month, everything included. */
  readonly spent: MicroUsd;
  /** Rest of the limit of a job with an open attempt; what its storage may still cost of one without. */
  readonly reserved: MicroUsd;
  /** `announced`: its attempt is on record and not known to have been created. */
  readonly state: 'idle' | 'announced' | 'live';
}

export interface Verdict {
  /**
   * `launch`: it fits with all that is on record. `refuse`: it does not fit behind those that come first. `wait`: it
   * fits if those behind it give way, which they do at their next look.
   */
  readonly verdict: 'launch' | 'wait' | 'refuse';
  readonly spent: MicroUsd;
  /** Of others. */
  readonly reserved: MicroUsd;
  /** What the ceiling leaves to this job now; never negative. */
  readonly left: MicroUsd;
  /** Who holds reservations, the largest first. */
  readonly holders: readonly { readonly name: string; readonly reserved: MicroUsd }[];
}

/**
 * Whether a job whose attempt is on record may be created under a monthly ceiling. Every job announces itself before it
 * looks, so of two that look at the same time at least one sees the other; and a launch needs room beside all that it
 * sees. The order only decides who gives way: the later one refuses, the earlier one waits for it. So no two can both take
 * the last dollar, whoever asks, and the first in the order is never refused for the sake of a later one.
 */
export function launchVerdict(ceiling: MicroUsd, uid: string, claims: readonly Claim[]): Verdict {
  const own = claims.find((claim) => claim.uid === uid);
  const others = claims.filter((claim) => claim.uid !== uid);
  const wanted = own?.reserved ?? zeroMoney;
  const spent = addMoney(zeroMoney, ...claims.map((claim) => claim.spent));
  const behind = (claim: Claim): boolean => claim.state === 'announced' && own !== undefined && comesBefore(own, claim);
  const sum = (of: readonly Claim[]): MicroUsd => addMoney(zeroMoney, ...of.map((claim) => claim.reserved));
  const reserved = sum(others);
  const ahead = sum(others.filter((claim) => !behind(claim)));
  const fits = (held: MicroUsd): boolean => addMoney(spent, held, wanted) <= ceiling;
  const holders = others
    .filter((claim) => claim.reserved > zeroMoney)
    .map(({ name, reserved: held }) => ({ name, reserved: held }))
    .sort((a, b) => b.reserved - a.reserved);
  return {
    verdict: fits(reserved) ? 'launch' : fits(ahead) ? 'wait' : 'refuse',
    spent,
    reserved,
    left: maxMoney(zeroMoney, subtractMoney(ceiling, addMoney(spent, reserved))),
    holders,
  };
}

function comesBefore(a: Claim, b: Claim): boolean {
  return a.createdAt === b.createdAt ? a.uid < b.uid : a.createdAt < b.createdAt;
}
