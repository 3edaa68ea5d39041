/**
 * Why a call to a trainer did not work:
 * - `Unreachable`: no answer (starting, busy, gone, network); try again, and ask the backend whether it still runs.
 * - `Unauthorized`: it answers, but not to this token: it is not the attempt that was meant.
 * - `ProtocolMismatch`: it speaks another version or not the protocol at all; repeating cannot help.
 * - `Problem`: it understood and refused; `code` and the message are the trainer's.
 */
export type TrainerErrorKind = 'Unreachable' | 'Unauthorized' | 'ProtocolMismatch' | 'Problem';

export class TrainerError extends Error {
  readonly kind: TrainerErrorKind;
  /** HTTP status of the answer, if there was one. */
  readonly status: number | undefined;
  /** The trainer's own code, for `Problem`. */
  readonly code: string | undefined;

  constructor(
    kind: TrainerErrorKind,
    message: string,
    options: { status?: number; code?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = kind;
    this.kind = kind;
    this.status = options.status;
    this.code = options.code;
  }
}

/** Narrows a caught value to the kind given. */
export const isTrainerError = (error: unknown, kind?: TrainerErrorKind): error is TrainerError =>
  error instanceof TrainerError && (kind === undefined || error.kind === kind);
