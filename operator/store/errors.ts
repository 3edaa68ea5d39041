/**
 * Why a store could not be looked at. `Looking` is no fault: a first look is under way, ask again. `Unreachable` may
 * pass by itself; the others need a person. `Misconfigured` is a URI, region or endpoint that cannot be right.
 */
export type StoreFailure =
  | 'Looking'
  | 'Unreachable'
  | 'Forbidden'
  | 'BucketMissing'
  | 'BadCredentials'
  | 'Misconfigured';

/** A store that could not be looked at: nothing is known of what it holds, least of all that it holds nothing. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: StoreFailure;
  /** What to do about it, one sentence in the imperative. */
  readonly remedy: string;

  constructor(kind: StoreFailure, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.remedy = remedy;
  }
}
