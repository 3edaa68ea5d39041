/**
 * Why a backend could not do what was asked. The caller switches on `kind`:
 * - `NoCapacity`: nothing was created; try the next provider of the approved order, or later.
 * - `CredentialsInvalid`: nothing was created; a person must replace the credentials.
 * - `OutcomeUnknown`: something may or may not exist; look it up, never create under another name.
 * - `Misconfigured`: nothing was created and repeating cannot help until `remedy` is followed.
 */
export type BackendErrorKind = 'NoCapacity' | 'CredentialsInvalid' | 'OutcomeUnknown' | 'Misconfigured';

export class BackendError extends Error {
  readonly kind: BackendErrorKind;
  /** What a person can do, as a full sentence. Empty when waiting is all there is to do. */
  readonly remedy: string;

  constructor(kind: BackendErrorKind, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = kind;
    this.kind = kind;
    this.remedy = options.remedy ?? '';
  }
}

export const noCapacity = (message: string, remedy = ''): BackendError =>
  new BackendError('NoCapacity', message, { remedy });

export const outcomeUnknown = (message: string, cause?: unknown): BackendError =>
  new BackendError('OutcomeUnknown', message, { cause });

export const misconfigured = (message: string, remedy: string, cause?: unknown): BackendError =>
  new BackendError('Misconfigured', message, { remedy, cause });

/** Narrows a caught value to the kind given. */
export const isBackendError = (error: unknown, kind?: BackendErrorKind): error is BackendError =>
  error instanceof BackendError && (kind === undefined || error.kind === kind);
