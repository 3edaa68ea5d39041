import type { ComputeProvider, TrainingGoal, TrainingJob } from '@kriptik/crds';
import { billedRate, spendOf } from '@kriptik/operator/budget/ledger.ts';
import {
  addMoney,
  costOver,
  formatMoney,
  type MicroUsd,
  maxMoney,
  microUsd,
  parseMoney,
  zeroMoney,
} from '@kriptik/operator/money.ts';
import type { Write } from './api-server.ts';
import type { Invariant, Watched } from './invariants.ts';
import { CALL_TIMEOUT_MS } from './operator.ts';
import type { Rental } from './provider.ts';

/** How much more than the bill may be reported of each attempt: what it takes to learn that it ended. */
const UNSEEN_MS = 1_500;
/** The same where a trainer may not answer: its cost is told once that is known, and it may have ended meanwhile. */
const UNANSWERED_MS = UNSEEN_MS + CALL_TIMEOUT_MS;

/** A GiB for 30 days, in bytes times ms. */
const GIB_MONTH = 2 ** 30 * 30 * 86_400_000;

/** Keeps the true bill and what people agreed to, from the logs alone. */
export class Books {
  readonly #w: Watched;
  readonly #breaks: (invariant: Invariant, text: string) => void;
  /** The highest limit of each goal so far, by uid; a cut does not undo what was spent before it. */
  readonly #agreed = new Map<string, MicroUsd>();
  /** Jobs by uid with the budget that they are paid from: that of a goal for one text, data and constraints. */
  readonly #budgets = new Map<string, string>();
  readonly #prices = new Map<string, { readonly at: number; readonly price: MicroUsd }[]>();
  readonly #month: MicroUsd | undefined;
  readonly #perJob: MicroUsd | undefined;

  constructor(watched: Watched, breaks: (invariant: Invariant, text: string) => void) {
    this.#w = watched;
    this.#breaks = breaks;
    const { ceilings } = watched.schedule.policy ?? {};
    const most = (of: 'perNamespacePerMonth' | 'perJob'): MicroUsd | undefined => {
      const later = watched.schedule.people.flat().flatMap(({ what }) => (what.type === 'policy' ? [what.spec] : []));
      const all = [ceilings, ...later.map((spec) => spec.ceilings)].map((one) => one?.[of]);
      if (all.some((one) => one === undefined)) return undefined;
      return all.reduce((sum, one) => maxMoney(sum, parseMoney(one ?? '0')), zeroMoney);
    };
    this.#month = most('perNamespacePerMonth');
    this.#perJob = most('perJob');
  }

  wrote({ plural, after, at }: Write): void {
    if (plural === 'traininggoals' && after !== undefined) this.#agree(after as TrainingGoal);
    if (plural === 'trainingjobs' && after !== undefined) this.#follow(after as TrainingJob);
    if (plural !== 'computeproviders' || after === undefined) return;
    const { metadata, spec } = after as ComputeProvider;
    const list = this.#prices.get(metadata.name) ?? [];
    list.push({ at, price: parseMoney(spec.local?.pricePerHour ?? '0') });
    this.#prices.set(metadata.name, list);
  }

  /** What a provider asked at a time. */
  priceOf(provider: string, at: number): MicroUsd | undefined {
    return this.#prices.get(provider)?.findLast((one) => one.at <= at)?.price;
  }

  /** The bill of all jobs on one budget, deleted ones too, and of all jobs, against what people agreed to. */
  check(): void {
    let all = zeroMoney;
    const budgets = new Map<string, { readonly billed: MicroUsd; readonly limit: MicroUsd }>();
    for (const [uid, rentals] of this.#byJob()) {
      const billed = this.#sum(rentals);
      all = addMoney(all, billed);
      const budget = this.#budgets.get(uid) ?? uid;
      const before = budgets.get(budget)?.billed ?? zeroMoney;
      budgets.set(budget, { billed: addMoney(before, billed), limit: this.#limitOf(rentals) });
    }
    for (const [budget, { billed, limit }] of budgets) {
      if (billed > limit)
        this.#breaks('limit', `${formatMoney(billed)} billed for ${budget}, limit ${formatMoney(limit)}`);
    }
    if (this.#month !== undefined && all > this.#month) {
      this.#breaks('month', `${formatMoney(all)} billed, the month allows ${formatMoney(this.#month)}`);
    }
  }

  settled(): void {
    this.check();
    const byJob = this.#byJob();
    for (const job of this.#w.server.list('trainingjobs') as TrainingJob[]) {
      if (parseMoney(job.status?.cost?.storage ?? '0') > zeroMoney) this.#w.faults.hit('storage is paid for');
      const rentals = byJob.get(job.metadata.uid) ?? [];
      const said = parseMoney(job.status?.cost?.spent ?? '0');
      const billed = this.#compute(rentals);
      const text = `${formatMoney(said)} is reported as spent, ${formatMoney(billed)} was billed`;
      if (said < billed) this.#breaks('ledger', text);
      if (this.#exact && said > addMoney(billed, this.#slack(rentals))) this.#breaks('ledger', text);
    }
  }

  /** Whether the operator could see all the time what is billed. */
  get #exact(): boolean {
    const { faults, schedule } = this.#w;
    if (schedule.providers.some(({ storePrice }) => storePrice !== undefined)) return false;
    const blind = [
      'call',
      'kill',
      'clock',
      'second',
      'apiGone',
      'providerGone',
      'nodeLost',
      'queued',
      'watch',
    ] as const;
    return !faults.has(...blind) && schedule.people.flat().every(({ what }) => what.type !== 'removeProvider');
  }

  #slack(rentals: readonly Rental[]): MicroUsd {
    const unseenMs = this.#w.faults.has('trainer') ? UNANSWERED_MS : UNSEEN_MS;
    const rates = rentals.map((rental) => costOver(billedRate(priceOf(rental)), unseenMs));
    return rates.reduce((sum, one) => addMoney(sum, one), parseMoney('0.0001'));
  }

  #follow({ metadata, spec }: TrainingJob): void {
    this.#budgets.set(metadata.uid, `${spec.goalRef.uid} ${spec.run.contract.inputHash}`);
  }

  #agree({ metadata, spec }: TrainingGoal): void {
    this.check();
    const setup = this.#w.schedule.goals.find((one) => one.name === metadata.name);
    const limit = parseMoney(setup?.agreed ?? spec.budget?.limit ?? '0');
    this.#agreed.set(metadata.uid, maxMoney(this.#agreed.get(metadata.uid) ?? zeroMoney, limit));
  }

  #limitOf([first]: readonly Rental[]): MicroUsd {
    const uid = first?.goalUid ?? '';
    const agreed = this.#agreed.get(uid) ?? zeroMoney;
    return this.#perJob === undefined || this.#perJob > agreed ? agreed : this.#perJob;
  }

  #byJob(): Map<string, Rental[]> {
    const jobs = new Map<string, Rental[]>();
    for (const rental of this.#w.bill) {
      const { uid } = rental.request.job;
      jobs.set(uid, [...(jobs.get(uid) ?? []), rental]);
    }
    return jobs;
  }

  /** Each rental rounds up by itself, the fee once on their sum: docs/budget.md. */
  #sum(rentals: readonly Rental[]): MicroUsd {
    return this.#compute(rentals, addMoney(zeroMoney, ...rentals.map((rental) => this.#storage(rental))));
  }

  #compute(rentals: readonly Rental[], stored = zeroMoney): MicroUsd {
    const compute = rentals.map((rental) => {
      if (rental.billedFrom === undefined) return zeroMoney;
      const until = rental.endedAt ?? this.#w.clock.now();
      const from = this.#told(rental) ? rental.billedFrom : rental.createdAt;
      return costOver(priceOf(rental), until - from);
    });
    return spendOf(addMoney(zeroMoney, ...compute), stored).total;
  }

  /** What the work cost that was kept while an instance ran. While nothing runs, only so much of it is the job's as is left for it. */
  #storage({ request, createdAt, endedAt }: Rental): MicroUsd {
    const { schedule, storesOf, clock } = this.#w;
    const stores = storesOf(request.job.uid);
    const costs = schedule.providers.map(({ storePrice }, index) => {
      const byteMs = storePrice === undefined ? 0 : (stores[index]?.kept(createdAt, endedAt ?? clock.now()) ?? 0);
      return microUsd(Math.floor((byteMs / GIB_MONTH) * parseMoney(storePrice ?? '0')));
    });
    return addMoney(zeroMoney, ...costs);
  }

  #told({ provider }: Rental): boolean {
    return this.#w.schedule.providers.find((one) => one.name === provider)?.tellsBilling === true;
  }
}

function priceOf({ request }: Rental): MicroUsd {
  return parseMoney(request.spec.card.unitPricePerHour);
}
