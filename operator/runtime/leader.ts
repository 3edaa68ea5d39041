import type { Clock } from './clock.ts';
import { errorMessage, isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import { microTime } from './events.ts';
import type { Logger } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { ResourceClient } from './resource.ts';
import type { KubeClient } from './rest.ts';
import type { KubeObject, ResourceType } from './types.ts';

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

export const LEASES: ResourceType<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface LeaderOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process. */
  readonly identity: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics?: RuntimeMetrics | undefined;
  /** Others may take over after this time without a renewal, ms. @default 15000 */
  readonly leaseMs?: number;
  /** We give up after this time without a renewal; must be shorter than the lease, ms. @default 10000 */
  readonly renewDeadlineMs?: number;
  /** Time between tries, ms. @default 2000 */
  readonly retryMs?: number;
  /** Called once when leadership is lost against our will. The process must end: its work may be going on elsewhere. */
  readonly onLost: (reason: string) => void;
  readonly random?: () => number;
}

/**
 * Leader election over a Lease. Only one process leads at a time as long as clocks run at about the same rate; for
 * calls where even a short overlap costs money, pass {@link fencingEpoch} along and check {@link isLeader} right before.
 */
export class LeaderElector {
  readonly #options: LeaderOptions;
  readonly #leases: ResourceClient<Lease>;
  readonly #stopper = new AbortController();
  readonly #acquired = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  /** The lease as last seen, and when we saw it change: the holder's clock is not trusted. */
  #seen: { lease: Lease; at: number } | undefined;
  #renewedAt: number | undefined;
  #epoch = 0;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#leases = options.client.resource(LEASES);
    const { leaseMs, renewDeadlineMs, retryMs } = this.#times();
    if (!(leaseMs > renewDeadlineMs && renewDeadlineMs > retryMs)) {
      throw new Error(
        `leader election needs lease > renew deadline > retry, got ${leaseMs}, ${renewDeadlineMs}, ${retryMs} ms`,
      );
    }
    this.#acquired.promise.catch(() => {});
  }

  /** False as soon as others may lead, even if no renewal has failed yet (a blocked event loop, a suspended VM). */
  get isLeader(): boolean {
    return this.#renewedAt !== undefined && this.#options.clock.now() < this.#renewedAt + this.#times().leaseMs;
  }

  /** Number of this term: grows with each change of leader. Meaningful while leading. */
  get fencingEpoch(): number {
    return this.#epoch;
  }

  /** Starts to compete; resolves once leading. Rejects when stopped before that. */
  start(): Promise<void> {
    this.#running ??= this.#run();
    return this.#acquired.promise;
  }

  /** Stops and gives the lease back, so that a successor need not wait for it to expire. */
  async stop(): Promise<void> {
    this.#stopper.abort(new Error('leader election stopped'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopper;
    try {
      while (!(await this.#try(signal))) await this.#pause(signal);
      this.#options.log.info({ epoch: this.#epoch }, 'became leader');
      this.#options.metrics?.leader.set({ name: this.#options.name }, 1);
      this.#acquired.resolve();
      await this.#keep(signal);
    } catch (error) {
      this.#acquired.reject(error);
      if (!signal.aborted) throw error;
      await this.#release();
    } finally {
      this.#renewedAt = undefined;
      this.#options.metrics?.leader.set({ name: this.#options.name }, 0);
    }
  }

  /** Renews until stopped (throws the signal's reason) or until the lease is lost (returns). */
  async #keep(signal: AbortSignal): Promise<void> {
    const { renewDeadlineMs } = this.#times();
    for (;;) {
      await this.#pause(signal);
      if (await this.#try(signal)) continue;
      const holder = this.#seen?.lease.spec?.holderIdentity ?? '';
      const silentMs = this.#options.clock.now() - (this.#renewedAt ?? 0);
      if (holder !== '' && holder !== this.#options.identity) return this.#lost(`${holder} has taken the lease`);
      if (silentMs >= renewDeadlineMs) return this.#lost(`the lease could not be renewed for ${silentMs} ms`);
    }
  }

  #lost(reason: string): void {
    this.#renewedAt = undefined;
    this.#options.log.error({ reason }, 'leadership lost');
    this.#options.onLost(reason);
  }

  /** One try to take or renew the lease. Never throws but for a stop. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const startedAt = this.#options.clock.now();
    try {
      const lease = await this.#claim(signal);
      if (lease === undefined) return false;
      this.#see(lease);
      // Counted from before the call: the server may have stored it at any moment since.
      this.#renewedAt = startedAt;
      this.#epoch = lease.spec?.leaseTransitions ?? 0;
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!isConflict(error) && !isAlreadyExists(error)) {
        this.#options.log.warn({ err: errorMessage(error) }, 'lease not renewed');
      }
      return false;
    }
  }

  async #claim(signal: AbortSignal): Promise<Lease | undefined> {
    const { namespace, name, identity, clock } = this.#options;
    const { leaseMs, renewDeadlineMs } = this.#times();
    // Never beyond the deadline: a call that hangs must not hide that the lease is running out.
    const limit = (): { signal: AbortSignal; timeoutMs: number } => ({
      signal,
      timeoutMs: Math.max(1, Math.min(renewDeadlineMs / 2, this.#leftMs())),
    });
    const now = microTime(clock.now());
    const mine = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseMs / 1000), renewTime: now };
    const current = await this.#leases.get({ namespace, name }, limit()).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (current === undefined) {
      const spec = { ...mine, acquireTime: now, leaseTransitions: 1 };
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, spec };
      return await this.#leases.create(lease, limit());
    }
    this.#see(current);
    const { spec = {} } = current;
    const renewing = spec.holderIdentity === identity && this.#renewedAt !== undefined;
    if (!renewing && !this.#free(current)) return undefined;
    const taken = renewing ? {} : { acquireTime: now, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 };
    return await this.#leases.replace({ ...current, spec: { ...spec, ...mine, ...taken } }, limit());
  }

  #free({ spec = {} }: Lease): boolean {
    const holder = spec.holderIdentity ?? '';
    if (holder === '' || holder === this.#options.identity) return true;
    const durationMs =
      spec.leaseDurationSeconds === undefined ? this.#times().leaseMs : spec.leaseDurationSeconds * 1000;
    return this.#options.clock.now() >= (this.#seen?.at ?? 0) + durationMs;
  }

  #see(lease: Lease): void {
    const same = this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
    if (!same) this.#seen = { lease, at: this.#options.clock.now() };
  }

  async #release(): Promise<void> {
    const lease = this.#seen?.lease;
    if (this.#renewedAt === undefined || lease === undefined) return;
    const { namespace, name } = this.#options;
    const { retryMs } = this.#times();
    try {
      await this.#giveBack(lease).catch(async (error: unknown) => {
        if (!isConflict(error)) throw error;
        // A renewal that was cut off by the stop went through all the same.
        await this.#giveBack(await this.#leases.get({ namespace, name }, { timeoutMs: retryMs }));
      });
    } catch (error) {
      this.#options.log.warn({ err: errorMessage(error) }, 'lease not released; the successor waits for it to expire');
    }
  }

  async #giveBack(lease: Lease): Promise<void> {
    if (lease.spec?.holderIdentity !== this.#options.identity) return;
    const renewTime = microTime(this.#options.clock.now());
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime };
    await this.#leases.replace({ ...lease, spec }, { timeoutMs: this.#times().retryMs });
  }

  /** Time until the renew deadline; without end while not leading. */
  #leftMs(): number {
    if (this.#renewedAt === undefined) return Number.POSITIVE_INFINITY;
    return this.#renewedAt + this.#times().renewDeadlineMs - this.#options.clock.now();
  }

  /** Jitter keeps competitors from meeting at the server again and again. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { random = Math.random, clock } = this.#options;
    const waitMs = this.#times().retryMs * (1 + 0.2 * random());
    await clock.sleep(Math.max(0, Math.min(waitMs, this.#leftMs())), signal);
  }

  #times(): { leaseMs: number; renewDeadlineMs: number; retryMs: number } {
    const { leaseMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = this.#options;
    return { leaseMs, renewDeadlineMs, retryMs };
  }
}
