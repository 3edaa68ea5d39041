import type { Reading } from './usage.ts';

/** Why a parser gave no draft, as a word that programs may compare: the reason of a goal's condition. */
export type FailureReason =
  | 'KeyMissing'
  | 'KeyRefused'
  | 'NotAllowed'
  | 'PaymentNeeded'
  | 'ModelUnknown'
  | 'RequestRefused'
  | 'RateLimited'
  | 'Overloaded'
  | 'ServiceFault'
  | 'Unreachable'
  | 'TimedOut'
  | 'Declined'
  | 'CutOff'
  | 'TooLong'
  | 'UnexpectedStop'
  | 'UnusableAnswer'
  | 'Failed';

/** Failures that a second try may not meet. */
const TRANSIENT: ReadonlySet<FailureReason> = new Set(['RateLimited', 'Overloaded', 'ServiceFault', 'Unreachable']);

/** A parser gave no draft; the next one is asked. Message and remedy are for people and hold no secret. */
export class ParserFailure extends Error {
  override readonly name = 'ParserFailure';
  readonly reason: FailureReason;
  /** What to do so that the parser can read goals again. */
  readonly remedy: string;
  /** How long the service asked to be left alone. */
  readonly retryAfterMs: number | undefined;
  /** What asking took all the same. */
  readonly reading: Reading | undefined;

  constructor(
    reason: FailureReason,
    about: {
      readonly message: string;
      readonly remedy: string;
      readonly retryAfterMs?: number | undefined;
      readonly reading?: Reading | undefined;
    },
  ) {
    super(about.message);
    this.reason = reason;
    this.remedy = about.remedy;
    this.retryAfterMs = about.retryAfterMs;
    this.reading = about.reading;
  }

  get transient(): boolean {
    return TRANSIENT.has(this.reason);
  }

  /** The same failure with what was spent until then. */
  after(reading: Reading): ParserFailure {
    const { message, remedy, retryAfterMs } = this;
    return new ParserFailure(this.reason, { message, remedy, retryAfterMs, reading });
  }
}
