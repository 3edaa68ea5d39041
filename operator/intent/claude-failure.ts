import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from '@anthropic-ai/sdk';
import { type FailureReason, ParserFailure } from './parser-failure.ts';

/** Longest part of the service's own words that is passed on. */
const MOST_WORDS = 200;

/**
 * Any failure of a call of the Messages API as a ParserFailure. `secret` is cut out of whatever the service or a
 * proxy echoes.
 */
export function claudeFailure(error: unknown, secret: string): ParserFailure {
  if (error instanceof ParserFailure) return error;
  if (error instanceof APIConnectionTimeoutError || error instanceof APIUserAbortError || isTimeout(error)) {
    return new ParserFailure('TimedOut', {
      message: 'the service did not answer in time',
      remedy: 'Allow more seconds with KRIPTIK_CLAUDE_TIMEOUT, or leave it: plans work without it',
    });
  }
  if (error instanceof APIConnectionError) {
    return new ParserFailure('Unreachable', {
      message: `the service cannot be reached${causeOf(error, secret)}`,
      remedy: 'Check the network and ANTHROPIC_BASE_URL',
    });
  }
  if (error instanceof APIError && error.status !== undefined) return ofStatus(error, error.status, secret);
  return new ParserFailure('UnusableAnswer', {
    message: `the answer cannot be used: ${excerpt(error instanceof Error ? error.message : String(error), secret)}`,
    remedy: 'Check that ANTHROPIC_BASE_URL leads to the Messages API',
  });
}

interface Verdict {
  readonly reason: FailureReason;
  readonly what: string;
  readonly remedy: string;
}

function ofStatus(error: APIError, status: number, secret: string): ParserFailure {
  const said = excerpt(error.apiMessage ?? '', secret);
  const { reason, what, remedy } = verdictOf(status, said);
  return new ParserFailure(reason, {
    message: `${what} (HTTP ${status}${said === '' ? '' : `: ${said}`})`,
    remedy,
    retryAfterMs: retryAfter(error.headers),
  });
}

/** The documented errors of the API: 400, 401, 402, 403, 404, 413, 429, 500, 504, 529. */
function verdictOf(status: number, said: string): Verdict {
  // A spent balance is answered as a bad request.
  if (status === 402 || /credit balance|billing/i.test(said)) {
    return {
      reason: 'PaymentNeeded',
      what: 'the account cannot pay',
      remedy: 'Add credit to the account of the key, or remove the key',
    };
  }
  switch (status) {
    case 401:
      return {
        reason: 'KeyRefused',
        what: 'the key is not valid',
        remedy: 'Store a valid key in the Secret that KRIPTIK_CLAUDE_SECRET names (locally: ANTHROPIC_API_KEY)',
      };
    case 403:
      return {
        reason: 'NotAllowed',
        what: 'the key may not do this',
        remedy: 'Use a key whose workspace may use the model, or set KRIPTIK_CLAUDE_MODEL to one it may use',
      };
    case 404:
      return {
        reason: 'ModelUnknown',
        what: 'the model does not exist',
        remedy: 'Set KRIPTIK_CLAUDE_MODEL to a model that the key may use',
      };
    case 413:
      return { reason: 'TooLong', what: 'the goal is too long', remedy: 'Shorten spec.goal' };
    case 429:
      return {
        reason: 'RateLimited',
        what: 'the rate limit of the key is reached',
        remedy: 'Wait, or raise the limit of the account',
      };
    case 529:
      return { reason: 'Overloaded', what: 'the service is overloaded', remedy: 'Wait' };
    default:
      return status >= 500 || status === 408 || status === 409
        ? { reason: 'ServiceFault', what: 'the service failed', remedy: 'Wait' }
        : {
            reason: 'RequestRefused',
            what: 'the service refused the request',
            remedy: 'Check KRIPTIK_CLAUDE_MODEL and ANTHROPIC_BASE_URL',
          };
  }
}

/** `retry-after` in milliseconds; it may be seconds or a date, and a date counts as unknown. */
function retryAfter(headers: Headers | undefined): number | undefined {
  const seconds = Number(headers?.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

function causeOf(error: Error, secret: string): string {
  const { cause } = error;
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? `: ${excerpt(inner.message, secret)}` : '';
}

/** One line of at most MOST_WORDS characters without the key. */
function excerpt(text: string, secret: string): string {
  const plain = secret === '' ? text : text.replaceAll(secret, '[key]');
  // Control characters of an answer could rewrite a terminal.
  const line = plain.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length <= MOST_WORDS ? line : `${line.slice(0, MOST_WORDS - 1)}…`;
}
