import type { Attempt, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { billedRate } from '@kriptik/operator/budget/ledger.ts';
import { planDigest } from '@kriptik/operator/digest.ts';
import { addMoney, costOver, formatMoney, type MicroUsd, parseMoney, zeroMoney } from '@kriptik/operator/money.ts';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import type { SimApiServer, Write } from './api-server.ts';
import type { Rental, SimProvider } from './provider.ts';
import type { SimStore } from './store.ts';

/** A goal and its whole flow up to the running job take fewer. */
const MOST_WRITES = 30;

/** Phases in which nothing of a job may run. */
const RESTING = new Set(['Frozen', 'Paused', 'Succeeded', 'Failed', 'Superseded']);

export interface Watched {
  readonly server: SimApiServer;
  readonly provider: SimProvider;
  readonly storeAt: (uri: string) => SimStore;
  readonly now: () => number;
  /** The most that may be spent on the goal so far: the highest limit people ever agreed to. */
  readonly limit: () => MicroUsd;
}

/** Looks at the logs of the API server and the provider, never at what the operator says of itself. */
export class Invariants {
  readonly broken: string[] = [];
  readonly #w: Watched;

  constructor(watched: Watched) {
    this.#w = watched;
  }

  launched(rental: Rental): void {
    const { job: owner, spec } = rental.request;
    const job = this.#w.server.find('trainingjobs', `${owner.namespace}/${owner.name}`) as TrainingJob | undefined;
    if (job === undefined) {
      this.#break(`${rental.name} was created for a job that does not exist`);
      return;
    }
    const plan = this.#w.server.find('trainingplans', `${owner.namespace}/${job.spec.planRef.name}`) as
      | TrainingPlan
      | undefined;
    const approval = plan?.status?.approval;
    const digest = planDigest(job.spec.run);
    if (approval?.decision !== 'Approved' || approval.digest !== digest || spec.card.digest !== digest) {
      this.#break(`${rental.name} was created without an approval of ${digest}`);
    }
    const attempt = job.status?.attempts?.find((one: Attempt) => one.name === rental.name);
    if (attempt === undefined) this.#break(`${rental.name} was created before it was on record`);
    const others = this.#w.provider.live.filter((one) => one !== rental && one.request.job.uid === owner.uid);
    if (others.length > 0) this.#break(`${rental.name} was created while ${others[0]?.name} runs`);
    if (this.#w.provider.bill.filter((one) => one.name === rental.name).length > 1) {
      this.#break(`${rental.name} was created twice`);
    }
    const from = spec.resume?.step ?? 0;
    if (from < rental.restorableStep) {
      this.#break(`${rental.name} starts at step ${from} although step ${rental.restorableStep} is saved`);
    }
  }

  /** Billed spend of every job against what people agreed to. */
  spending(): void {
    const limit = this.#w.limit();
    const uids = new Set(this.#w.provider.bill.map((rental) => rental.request.job.uid));
    for (const uid of uids) {
      const billed = this.billed(uid);
      if (billed > limit) this.#break(`${formatMoney(billed)} was billed, ${formatMoney(limit)} is the limit`);
    }
  }

  billed(uid: string): MicroUsd {
    return this.#w.provider.bill
      .filter((rental) => rental.request.job.uid === uid)
      .map((rental) => {
        const rate = billedRate(parseMoney(rental.request.spec.card.unitPricePerHour));
        return costOver(rate, (rental.endedAt ?? this.#w.now()) - rental.createdAt);
      })
      .reduce((sum, cost) => addMoney(sum, cost), zeroMoney);
  }

  wrote(write: Write): void {
    if (write.plural !== 'trainingjobs' || write.after === undefined) return;
    const job = write.after as TrainingJob;
    const phase = job.status?.phase ?? '';
    if (!RESTING.has(phase)) return;
    const running = this.#w.provider.live.filter((one) => one.request.job.uid === job.metadata.uid);
    if (running.length > 0) this.#break(`${phase} was reported while ${running[0]?.name} runs`);
    const store = this.#w.storeAt(`sim:///jobs/${job.metadata.uid}`);
    if (phase === 'Succeeded' && store.artifacts.length === 0) this.#break('Succeeded was reported without a model');
    if (phase === 'Frozen' || phase === 'Paused') this.#saved(phase, job, store);
  }

  /** What the message promises must be there, and what is there must not be denied. */
  #saved(phase: string, job: TrainingJob, store: SimStore): void {
    const message = findCondition(job.status?.conditions, phase)?.message ?? '';
    const promised = Number(/checkpoint of step (\d+)/.exec(message)?.[1] ?? 0);
    if (promised === store.restorableStep) return;
    this.#break(`${phase} promises step ${promised}, the store holds ${store.restorableStep}: ${message}`);
  }

  /** Writes of the operator within one tick: a controller that wakes itself shows here. */
  wroteAtOnce(count: number): void {
    if (count > MOST_WRITES) this.#break(`the operator wrote ${count} times within half a second`);
  }

  /** At rest: nothing runs, and the operator's own sum is no less than the bill. */
  settled(): void {
    this.spending();
    for (const rental of this.#w.provider.live) this.#break(`${rental.name} still runs at the end`);
    for (const job of this.#w.server.list('trainingjobs') as TrainingJob[]) {
      const said = parseMoney(job.status?.cost?.spent ?? '0');
      const billed = this.billed(job.metadata.uid);
      if (said < billed) this.#break(`${formatMoney(said)} is reported as spent, ${formatMoney(billed)} was billed`);
    }
  }

  /** The same thing goes wrong at many moments; once is enough to read. */
  #break(text: string): void {
    if (this.broken.length < 20) this.broken.push(`at ${(this.#w.now() / 1000).toFixed(1)} s: ${text}`);
  }
}
