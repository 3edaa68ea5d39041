import type { TrainingPolicySpec } from '@kriptik/crds';
import type { Behaviour } from './trainer.ts';

/**
 * One run as data: nothing random is left in it, so a file of it repeats the run whatever becomes of the generator.
 * Times are virtual ms since the start, amounts decimal USD.
 */
export interface Schedule {
  readonly name: string;
  readonly providers: readonly ProviderSetup[];
  readonly goals: readonly GoalSetup[];
  readonly policy?: TrainingPolicySpec;
  /** Each is a row of deeds that follow one another. */
  readonly people: readonly (readonly Deed[])[];
  readonly faults: readonly SimFault[];
  /**
   * How long after a write to the API server its answer comes; events come 10 ms after it. 0, where absent: the answer
   * is always first, so that the operator looks at a cache that lacks what it has just written.
   */
  readonly replyMs?: number;
  /** Where everything must stand in the end; absent where only the invariants are checked. */
  readonly end?: string;
  /** Another end that is right, where the operator was away for as long as the training took. */
  readonly lateEnd?: string;
}

/** A place that rents machines, all of one kind. */
export interface ProviderSetup {
  readonly name: string;
  readonly pricePerHour: string;
  readonly order: number;
  readonly instances: number;
  /** From the create call to the trainer's start. */
  readonly startMs: number;
  /** From a kill to the end of the bill. */
  readonly killMs: number;
  /** Says when an instance began to hold hardware. */
  readonly tellsBilling: boolean;
  /** What its store asks for a GiB and month; absent where keeping work is free. */
  readonly storePrice?: string;
}

export interface GoalSetup {
  readonly name: string;
  readonly text: string;
  readonly limit: string;
  readonly suspend?: boolean;
  /** The limit that was agreed to, where it is lower than the goal's field. */
  readonly agreed?: string;
  /** Somebody approves each of its plans this long after it waits; absent: only deeds decide. */
  readonly approvedAfterMs?: number;
  /** Whether people decide on amendments as well; else they are left lying. */
  readonly amends?: boolean;
}

export interface Deed {
  readonly when: Moment;
  /** Waits this long after the moment has come. */
  readonly afterMs?: number;
  readonly what: Act;
}

/** The goal's number in the schedule; absent where it concerns none. */
interface OfGoal {
  readonly goal?: number;
}

export type Moment = OfGoal &
  (
    | { readonly type: 'at'; readonly ms: number }
    | { readonly type: 'awaiting'; readonly plans?: number }
    | { readonly type: 'jobExists' }
    | { readonly type: 'step'; readonly step: number; readonly orCondition?: string }
    | { readonly type: 'condition'; readonly condition: string }
    | { readonly type: 'reason'; readonly reason: string }
  );

export type Act = OfGoal &
  (
    | { readonly type: 'decide'; readonly decision: 'Approved' | 'Denied' }
    | { readonly type: 'limit'; readonly limit: string }
    | { readonly type: 'suspend'; readonly on: boolean }
    | { readonly type: 'scale'; readonly replicas: number }
    | { readonly type: 'terminate' }
    | { readonly type: 'rewrite'; readonly text: string; readonly limit?: string }
    | { readonly type: 'delete'; readonly kind: 'goal' | 'plan' | 'job' }
    | { readonly type: 'provider'; readonly provider: string; readonly enabled: boolean }
    | { readonly type: 'price'; readonly provider: string; readonly pricePerHour: string }
    | { readonly type: 'removeProvider'; readonly provider: string; readonly backAfterMs: number }
    | { readonly type: 'policy'; readonly spec: TrainingPolicySpec }
  );

export type Target = 'api' | 'provider' | 'trainer' | 'store';

interface Window {
  readonly at: number;
  readonly ms: number;
}

/** Something that goes wrong. */
export type SimFault =
  /** The nth call of the operator that matches. `late`: no answer, and it lands only `ms` later. */
  | {
      readonly type: 'call';
      readonly how: 'dieBefore' | 'dieAfter' | 'cutBefore' | 'cutAfter' | 'slow' | 'late';
      readonly on?: Target;
      readonly verb?: string;
      /** Only calls that change something. */
      readonly effect?: boolean;
      readonly nth: number;
      /** How long the operator is gone, the call takes, or the landing is late. */
      readonly ms: number;
    }
  | ({ readonly type: 'apiGone' | 'storeGone' | 'storeForbidden' } & Window)
  | ({ readonly type: 'providerGone' | 'full'; readonly provider: string } & Window)
  /** `held`: events come at the end of the window. `lost`: they never do, a new list does. `twice`: each comes twice. */
  | ({ readonly type: 'watch'; readonly how: 'held' | 'lost' | 'twice'; readonly plural?: string } & Window)
  /** An operator that starts in the window begins with lists that are `ms` old. */
  | ({ readonly type: 'staleList' } & Window)
  /** All events of one kind are late by as much. */
  | { readonly type: 'lag'; readonly plural: string; readonly ms: number }
  /** A second operator takes over while the first one still works for a while. */
  | { readonly type: 'second'; readonly at: number; readonly overlapMs: number }
  | { readonly type: 'kill'; readonly at: number; readonly ms: number }
  /** The wall clock of the operator's machine jumps; `amending`: so long after an amendment first waits for a decision. */
  | { readonly type: 'clock'; readonly at: number; readonly jumpMs: number; readonly amending?: true }
  /** The nth instance of a provider waits for hardware. */
  | { readonly type: 'queued'; readonly provider: string; readonly nth: number; readonly ms: number }
  /** The nth request to end an instance of a provider is accepted, and nothing happens for so long. */
  | { readonly type: 'deaf'; readonly provider: string; readonly nth: number; readonly ms: number }
  /** New instances are missing from the provider's list for so long. */
  | { readonly type: 'unlisted'; readonly provider: string; readonly ms: number }
  | { readonly type: 'preempted' | 'nodeLost'; readonly provider: string; readonly at: number }
  /** The newest checkpoint of every job is damaged. */
  | { readonly type: 'corrupt' | 'tamper'; readonly at: number }
  /** The trainer of the nth instance of the run behaves so. */
  | ({ readonly type: 'trainer'; readonly nth: number } & Partial<Behaviour>);

export type FaultType = SimFault['type'];
