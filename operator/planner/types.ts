import type {
  Change,
  Contract,
  MethodName,
  Modality,
  ProviderType,
  Quote,
  Resolved,
  Tile,
  TileName,
  TrainingPlanSpec,
} from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import type { MicroUsd } from '../money.ts';
import type { EffectivePolicy, PolicyRule } from './policy-types.ts';

export type { EffectivePolicy } from './policy-types.ts';

/** Methods that a trainer has for one kind of model. */
export interface Executor {
  readonly modality: Modality;
  readonly methods: readonly MethodName[];
  /** Regular expression of the classes of models that it takes. */
  readonly architectures: string;
  /** Arguments of trainer/install.sh that add what it lacks; absent = it can be used. */
  readonly missing?: string;
  /** Whether it trains with a shard of the model on each of several GPUs; absent = each holds the whole model. */
  readonly sharded?: boolean;
}

/** What one ComputeProvider can rent us of one GPU type, at one price. */
export interface ProviderOffer {
  /** Name of the ComputeProvider. */
  readonly name: string;
  readonly type: ProviderType;
  /** Lower is asked first. */
  readonly order: number;
  /** Catalog id of the GPU, or 'cpu'. */
  readonly gpu: string;
  /** GPUs that one instance may have, ascending; [1] for 'cpu'. */
  readonly counts: readonly number[];
  readonly unitPricePerHour: MicroUsd;
  /** What the price is for: one GPU, or the whole machine whatever is used of it. */
  readonly priceUnit: 'gpu' | 'machine';
  readonly priceSource: string;
  /** Date of the price, YYYY-MM-DD. */
  readonly priceAsOf: string;
  /** False for a price that people declared without a date: it stands until they change it. */
  readonly priceDated: boolean;
  /** False when the price was never confirmed by its source. */
  readonly priceVerified: boolean;
  /** Where it can run; empty = the provider has no notion of regions. */
  readonly regions: readonly string[];
  readonly interruptible?: boolean;
  readonly ready: boolean;
  /** Why not ready, for people. */
  readonly reason?: string;
  /** Processor cores of a machine that trains on its CPU. */
  readonly cpus?: number;
  /** Main memory of one machine. */
  readonly memoryBytes?: number;
  /** Machines of the largest size that can train together; absent = 1. */
  readonly maxNodes?: number;
  /** Whether the trainer there can run a plan of several stages. */
  readonly stages?: boolean;
  /** What the trainer can do there; absent = everything. */
  readonly executors?: readonly Executor[] | undefined;
  /** Whether each process of the trainer there holds the whole model, unless it is told to hold a shard and can. */
  readonly wholeModel?: boolean;
  /** Digest-pinned image the trainer runs from, where images are used. */
  readonly image?: string;
}

/** What is known about one data source after somebody looked into it; every field may be unknown. */
export interface DataFacts {
  readonly uri: string;
  readonly rows?: number;
  /** Mean length of a row, in tokens of the model or an estimate. */
  readonly tokensPerRow?: number;
  /** 95th percentile or longest row, in tokens. */
  readonly longestRow?: number;
  readonly bytes?: number;
  readonly revision?: string;
  readonly sha256?: string;
  /** Rows are preference pairs (prompt, chosen, rejected). */
  readonly preferencePairs?: boolean;
  readonly columns?: readonly string[];
  readonly license?: string;
  readonly gated?: boolean;
  /** When somebody looked, RFC 3339. Told to people; never part of what is approved. */
  readonly verifiedAt?: string;
}

/** What the model Hub says today about a base model. */
export interface ModelFacts {
  /** "owner/name". */
  readonly hub: string;
  /** Commit of the repository. */
  readonly revision: string;
  readonly license?: string;
  readonly gated: boolean;
  readonly parameters?: number;
}

/** A value of the plan with the reason for it. */
export interface Reason {
  readonly tile: TileName;
  /** What was decided: "rank", "learning rate", "card". */
  readonly what: string;
  readonly value: string;
  readonly because: string;
  /** Where the rule or the figure comes from. */
  readonly source?: string;
}

/** A list price that is too old to be trusted blindly. */
export interface StalePrice {
  readonly asOf: string;
  readonly message: string;
}

export interface RecommendInput {
  readonly contract: Contract;
  readonly selection?: TrainingPlanSpec['selection'];
  readonly catalog: Catalog;
  readonly providers: readonly ProviderOffer[];
  readonly policy: EffectivePolicy;
  readonly dataFacts?: readonly DataFacts[];
  readonly modelFacts?: readonly ModelFacts[];
  /** False when the model Hub cannot be reached: sources outside it are then preferred. Default true. */
  readonly hubReachable?: boolean;
  /** What the policies' monthly ceiling leaves for this namespace; absent = no ceiling. */
  readonly monthlyRemaining?: MicroUsd;
  /** Where the price of a plan must be young enough to be trusted. */
  readonly now: Date;
}

/** A plan people can approve. */
export interface Recommendation {
  readonly resolved: Resolved;
  readonly quote: Quote;
  /** Model, Method, Data, GPU, Budget: in this order. */
  readonly tiles: readonly Tile[];
  readonly warnings: readonly string[];
  /** Why each value is what it is. Not part of what is approved. */
  readonly why: readonly Reason[];
  /** What the selection moves against the planner's own choice; empty without a selection. */
  readonly changes: readonly Change[];
  readonly stalePrice?: StalePrice;
}

export type BlockReason =
  | 'UnknownSelection'
  | 'NoProvider'
  | 'NoSuitableModel'
  | 'UnsupportedMethod'
  | 'DoesNotFitInMemory'
  | 'ForbiddenByPolicy'
  | 'DeadlineTooShort'
  | 'TooLarge'
  | 'DataUnreadable'
  | 'NoData';

/** The nearest plan that passes where the one that was asked for does not. */
export interface Instead {
  /** What it trains, how and where, in a sentence. */
  readonly summary: string;
  /** Expected total, a decimal string in US dollars. */
  readonly cost: string;
  /** Expected billed time in hours, a decimal string. */
  readonly hours: string;
  /** Fields of the goal or of the plan's selection that lead there; no value = remove the field. */
  readonly changes: readonly { readonly field: string; readonly value?: string }[];
}

/** Nothing can be planned as things stand; the remedy says what would change that. */
export interface Blocked {
  readonly blocked: {
    readonly reason: BlockReason;
    readonly message: string;
    readonly remedy: string;
    /** The rules of policies that stand in the way: the plan would pass without them. */
    readonly rules?: readonly PolicyRule[];
    readonly instead?: Instead;
  };
}

export type PlanResult = Recommendation | Blocked;
