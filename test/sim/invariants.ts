import type { Attempt, TrainingJob, TrainingPlan, TrainingPolicy } from '@kriptik/crds';
import type { LaunchRequest } from '@kriptik/operator/backends/backend.ts';
import { planDigest } from '@kriptik/operator/digest.ts';
import { parseMoney } from '@kriptik/operator/money.ts';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import { sameJson } from '@kriptik/operator/runtime/json.ts';
import type { SimApiServer, Write } from './api-server.ts';
import { Books } from './books.ts';
import type { SimClock } from './clock.ts';
import type { Faults } from './faults.ts';
import { checkFirstStep, checkHandover, goesOn } from './handover.ts';
import { OPERATOR } from './kube.ts';
import type { Rental } from './provider.ts';
import type { Schedule } from './schedule.ts';
import type { SimStore } from './store.ts';

/** What must hold in every run, whatever goes wrong. */
export type Invariant =
  /** An instance is created only for what was approved, at no more than its price, and after it was put on record. */
  | 'approved'
  /** A job has at most one live instance, and each was created once. */
  | 'one instance'
  /** What is over, or was deleted, has nothing running, and a deletion ends. */
  | 'ends'
  /** The bill of a job stays within the highest limit that people ever agreed to. */
  | 'limit'
  /** The bill of a namespace stays within its month. */
  | 'month'
  /** Frozen, Paused and Succeeded promise what can be restored, and deny nothing that can. */
  | 'promise'
  /** A new attempt begins at the saved step or later, from a checkpoint that holds. */
  | 'resume'
  /** Nobody's spec is written, and nothing is approved, by the operator on its own. */
  | 'own hand'
  /** The amount reported never falls, and at rest it is the bill. */
  | 'ledger'
  | 'secret'
  /** At rest nothing is written; and before, no loop feeds itself. */
  | 'quiet'
  /** The end is that of the undisturbed run. */
  | 'same end';

export interface Violation {
  readonly invariant: Invariant;
  /** Virtual seconds since the start. */
  readonly at: number;
  readonly text: string;
}

/** Phases in which nothing of a job may run, and those it may rest in. */
const OVER = new Set(['Frozen', 'Paused', 'Succeeded', 'Failed', 'Superseded', 'Terminated']);
const RESTS = new Set([...OVER, 'Pending']);
/** A goal and its whole flow up to the running job take fewer writes in half a second. */
const MOST_WRITES = 60;
/** What the operator makes of its own. */
const RECEIPTS = 'trainingreceipts';
const MADE: ReadonlySet<string> = new Set(['trainingplans', 'trainingjobs', RECEIPTS]);
/** What somebody changed this recently need not have been seen yet, ms. */
const RECENT_MS = 10_000;
const MOST_VIOLATIONS = 20;

export interface Watched {
  readonly schedule: Schedule;
  readonly server: SimApiServer;
  readonly clock: SimClock;
  readonly faults: Faults;
  readonly bill: readonly Rental[];
  /** Every store that may hold work of a job. */
  readonly storesOf: (jobUid: string) => readonly SimStore[];
}

/** Looks at the logs of the API server and the providers, never at what the operator says of itself. */
export class Invariants {
  readonly broken: Violation[] = [];
  readonly #w: Watched;
  readonly #books: Books;
  readonly #spent = new Map<string, { readonly spent: number; readonly known: unknown }>();
  #burst = { since: 0, writes: 0 };

  constructor(watched: Watched) {
    this.#w = watched;
    this.#books = new Books(watched, (invariant, text) => this.breaks(invariant, text));
  }

  /** The same thing goes wrong at many moments; a few are enough to read. */
  breaks(invariant: Invariant, text: string): void {
    const at = (this.#w.clock.now() - this.#w.clock.start) / 1000;
    if (this.broken.length < MOST_VIOLATIONS) this.broken.push({ invariant, at, text });
  }

  /** The operator asks a provider for an instance: what it may ask for is decided at this moment. */
  requested(request: LaunchRequest): void {
    const { server } = this.#w;
    const { job: owner, spec, name } = request;
    const job = server.find('trainingjobs', `${owner.namespace}/${owner.name}`) as TrainingJob | undefined;
    if (job?.metadata.uid !== owner.uid) {
      this.breaks('approved', `${name} was asked for although its job does not exist`);
      return;
    }
    const key = `${owner.namespace}/${job.spec.planRef.name}`;
    const plan = server.find('trainingplans', key) as TrainingPlan | undefined;
    const approval = plan?.status?.approval;
    const digest = planDigest(job.spec.run);
    if (approval?.decision !== 'Approved' || approval.digest !== digest || spec.card.digest !== digest) {
      this.breaks('approved', `${name} was asked for without an approval of ${digest}`);
    }
    const attempt = job.status?.attempts?.find((one: Attempt) => one.name === name);
    if (attempt === undefined) this.breaks('approved', `${name} was asked for before it was on record`);
    else this.#inApprovedOrder(job, attempt);
    this.#resumes(request, job);
  }

  created(rental: Rental): void {
    const { bill } = this.#w;
    const own = bill.filter((one) => one !== rental && one.request.job.uid === rental.request.job.uid);
    const live = own.find((one) => one.endedAt === undefined && !one.late);
    if (live !== undefined && !rental.late) {
      this.breaks('one instance', `${rental.name} was created while ${live.name} runs`);
    }
    if (own.some((one) => one.name === rental.name)) this.breaks('one instance', `${rental.name} was created twice`);
  }

  wrote(write: Write): void {
    this.#books.wrote(write);
    if (write.by === OPERATOR) this.#ownHand(write);
    if (write.plural !== 'trainingjobs') return;
    if (write.after === undefined) {
      this.#leavesNothing(write);
      return;
    }
    const job = write.after as TrainingJob;
    this.#spentRises(job);
    const replaced = write.before === undefined ? job.spec.continues?.job.uid : undefined;
    if (replaced !== undefined) checkHandover(job, this.#w.storesOf(replaced), (text) => this.breaks('resume', text));
    const phase = job.status?.phase ?? '';
    if (!OVER.has(phase)) return;
    const { uid } = job.metadata;
    const live = this.#w.bill.find((one) => one.request.job.uid === uid && one.endedAt === undefined && !one.late);
    if (live !== undefined) this.breaks('ends', `${phase} was reported while ${live.name} runs`);
    const stores = this.#storesOf(job);
    if (phase === 'Succeeded' && this.#w.storesOf(uid).every((store) => store.artifacts.length === 0)) {
      this.breaks('promise', 'Succeeded was reported without a model');
    }
    if (phase === 'Frozen' || phase === 'Paused') this.#promises(phase, job, stores);
  }

  #leavesNothing({ key, before }: Write): void {
    const uid = before?.metadata.uid;
    const live = this.#w.bill.find((one) => one.request.job.uid === uid && one.endedAt === undefined && !one.late);
    if (live !== undefined) this.breaks('ends', `${key} is gone while ${live.name} runs`);
  }

  ended(): void {
    this.#books.check();
  }

  /** At rest: nothing runs, nothing hangs, and the operator's sum is the bill. */
  settled(): void {
    this.#books.settled();
    const { bill, server } = this.#w;
    for (const one of bill) if (one.endedAt === undefined) this.breaks('ends', `${one.name} still runs at the end`);
    for (const plural of ['traininggoals', 'trainingplans', 'trainingjobs', 'computeproviders']) {
      for (const { metadata } of server.list(plural)) {
        if (metadata.deletionTimestamp !== undefined) this.breaks('ends', `${plural} ${metadata.name} is never gone`);
      }
    }
    for (const job of server.list('trainingjobs') as TrainingJob[]) {
      const phase = job.status?.phase ?? 'none';
      if (!RESTS.has(phase)) this.breaks('ends', `${job.metadata.name} rests in phase ${phase}`);
      const stores = this.#storesOf(job);
      if (phase === 'Frozen' || phase === 'Paused') this.#promises(phase, job, stores, true);
    }
  }

  #inApprovedOrder(job: TrainingJob, attempt: Attempt): void {
    const { provider, unitPricePerHour } = attempt;
    const approved = job.spec.run.resolved.providerOrder.find((one) => one.provider === provider);
    if (approved?.unitPricePerHour !== unitPricePerHour) {
      this.breaks('approved', `${attempt.name} runs on ${provider} at ${unitPricePerHour}, which nobody approved`);
    }
    const asked = this.#books.priceOf(provider, this.#w.clock.now() - RECENT_MS);
    if (this.#w.faults.has('watch', 'lag', 'staleList', 'apiGone') || asked === undefined) return;
    const now = this.#books.priceOf(provider, this.#w.clock.now());
    if (now !== undefined && Math.min(asked, now) > parseMoney(unitPricePerHour)) {
      this.breaks('approved', `${attempt.name} runs on ${provider}, which asks more than the approved price`);
    }
  }

  #resumes(request: LaunchRequest, job: TrainingJob): void {
    const { name, spec } = request;
    const own = this.#w.storesOf(job.metadata.uid);
    const stores = this.#storesOf(job);
    const saved = Math.max(...own.map((store) => store.restorableStep));
    checkFirstStep(request, job, stores, (text) => this.breaks('resume', text));
    if (goesOn(request, job)) this.#w.faults.hit('an amendment goes on');
    const from = spec.resume?.step ?? 0;
    if (from < saved) this.breaks('resume', `${name} starts at step ${from} although step ${saved} is saved`);
    if (spec.resume === null || stores.some((store) => store.damagedSince(this.#w.clock.now() - 3_000))) return;
    const { manifestSha256 } = spec.resume;
    if (!stores.some((store) => store.isRestorable(manifestSha256))) {
      this.breaks('resume', `${name} starts from step ${from}, which cannot be restored`);
    }
  }

  /** Of a job, and of those before it whose work it goes on from. */
  #storesOf({ metadata, spec }: TrainingJob): readonly SimStore[] {
    const handed = spec.continues?.checkpoint?.jobUid;
    return [...this.#w.storesOf(metadata.uid), ...(handed === undefined ? [] : this.#w.storesOf(handed))];
  }

  /** What the message promises must be there, and what is there must not be denied. */
  #promises(phase: string, job: TrainingJob, stores: readonly SimStore[], atRest = false): void {
    const message = findCondition(job.status?.conditions, phase)?.message ?? '';
    const told = /checkpoint of step (\d+)|Step (\d+) was the last one verified/.exec(message);
    const promised = Number(told?.[1] ?? told?.[2] ?? 0);
    const saved = Math.max(...stores.map((store) => store.restorableStep));
    const damaged = stores.some((store) => store.damagedSince(0));
    if (promised > saved && !damaged)
      this.breaks('promise', `${phase} promises step ${promised} of ${saved}: ${message}`);
    const readable = !this.#w.faults.has('storeGone', 'storeForbidden', 'corrupt', 'tamper', 'providerGone');
    const kept = !this.#w.schedule.people.flat().some(({ what }) => what.type === 'removeProvider');
    // Whoever says that it cannot look denies nothing.
    const unknown = !atRest && message.includes('is not known');
    if (promised < saved && readable && kept && !unknown) {
      this.breaks('promise', `${phase} denies step ${saved}: ${message}`);
    }
  }

  /** What was reckoned with caution may be put right once it is known when the bill began or ended. */
  #spentRises(job: TrainingJob): void {
    const { uid, name } = job.metadata;
    const spent = parseMoney(job.status?.cost?.spent ?? '0');
    const known = (job.status?.attempts ?? []).map(({ billedFrom, goneAt, queued }) => [billedFrom, goneAt, queued]);
    const before = this.#spent.get(uid) ?? { spent, known };
    if (spent < before.spent && sameJson(known, before.known)) {
      this.breaks('ledger', `${name} spent ${before.spent} and then ${spent} micro-dollars`);
    }
    this.#spent.set(uid, { spent, known });
  }

  #ownHand({ plural, key, before, after, subresource }: Write): void {
    const { clock } = this.#w;
    if (clock.now() - this.#burst.since > 500) this.#burst = { since: clock.now(), writes: 0 };
    this.#burst.writes += 1;
    const most = MOST_WRITES * this.#w.schedule.goals.length;
    // Two operators that see different things may write against each other until one of them is gone.
    if (this.#burst.writes === most && !this.#w.faults.has('second'))
      this.breaks('quiet', `${most} writes within half a second, the last to ${key}`);
    if (before !== undefined && after !== undefined && !sameJson(before.spec, after.spec) && plural !== RECEIPTS) {
      this.breaks('own hand', `the operator wrote the spec of ${plural} ${key}`);
    }
    if (before === undefined && !MADE.has(plural)) {
      this.breaks('own hand', `the operator created ${plural} ${key}`);
    }
    if (plural === 'trainingplans' && subresource === 'status') this.#approvesByPolicyOnly(before, after);
  }

  #approvesByPolicyOnly(before: unknown, after: unknown): void {
    const now = (after as TrainingPlan | undefined)?.status?.approval;
    if (now === undefined || sameJson(now, (before as TrainingPlan | undefined)?.status?.approval)) return;
    const policies = this.#w.server.list('trainingpolicies') as TrainingPolicy[];
    const below = policies.map(({ spec }) => parseMoney(spec.approval?.autoApproveBelow ?? '0'));
    const limit = parseMoney((after as TrainingPlan).status?.quote?.limit ?? '0');
    const allowed = now.via === 'policy' && below.some((most) => limit <= most);
    const changedLately = this.#w.schedule.people.flat().some(({ what }) => what.type === 'policy');
    if (!allowed && !changedLately) this.breaks('own hand', 'the operator approved a plan that no policy lets pass');
  }
}
