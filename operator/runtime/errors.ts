/** Errors of API calls and the three outcomes a reconcile can end with. */

/** What the API server's `Status` object says about a failed call. */
export interface ApiStatus {
  status: number;
  reason: string;
  message: string;
  details?: StatusDetails | undefined;
  /** How long the server asked us to stay away, in milliseconds. */
  retryAfterMs?: number | undefined;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** The API server answered, and the answer was a refusal. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(from: ApiStatus, options?: ErrorOptions) {
    super(from.message, options);
    this.status = from.status;
    this.reason = from.reason;
    this.details = from.details;
    this.retryAfterMs = from.retryAfterMs;
  }
}

/** No usable answer: refused, reset, timed out. A write that ends so may or may not have happened. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** A Node error code such as `ECONNREFUSED`, or `DEADLINE` when our own time limit struck. */
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A failure that trying again cannot mend; the object waits for a change. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** Not a failure: something else must happen first. Look again after `requeueAfterMs`. */
export class WaitingError extends Error {
  override readonly name = 'WaitingError';
  readonly requeueAfterMs: number;

  constructor(message: string, requeueAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.requeueAfterMs = requeueAfterMs;
  }
}

export const isApiError = (error: unknown): error is ApiError => error instanceof ApiError;

const hasStatus = (error: unknown, status: number): boolean => isApiError(error) && error.status === status;

export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);

/** 409 because the object changed since it was read. An `AlreadyExists` 409 is not a conflict. */
export const isConflict = (error: unknown): boolean => hasStatus(error, 409) && !isAlreadyExists(error);

export const isAlreadyExists = (error: unknown): boolean =>
  isApiError(error) && error.status === 409 && error.reason === 'AlreadyExists';

/** The resourceVersion or the page token is too old: list afresh. */
export const isGone = (error: unknown): boolean => hasStatus(error, 410);

export const isForbidden = (error: unknown): boolean => hasStatus(error, 403);

/** Nothing can be made in a namespace that is being deleted. */
export const isNamespaceGoing = (error: unknown): boolean =>
  isApiError(error) && error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true;

export const isUnauthorized = (error: unknown): boolean => hasStatus(error, 401);

/** 422: the object breaks its schema or an admission rule; `details.causes` holds the field paths. */
export const isInvalid = (error: unknown): boolean => hasStatus(error, 422);

export const isThrottled = (error: unknown): boolean => hasStatus(error, 429);

/** A one-line text of anything thrown, for logs and conditions. */
export function errorMessage(error: unknown): string {
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  return typeof error === 'string' ? error : JSON.stringify(error);
}
