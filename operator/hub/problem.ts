/** Why the Hub gave no facts. */
export type HubProblemKind =
  | 'Offline'
  | 'Unreachable'
  | 'Unavailable'
  | 'RateLimited'
  | 'TokenMissing'
  | 'TokenRefused'
  | 'Gated'
  | 'NotFound'
  | 'RevisionNotFound'
  | 'BadAnswer';

/** Problems of the moment: what the catalog or an earlier answer says stands in. */
const PASSING: ReadonlySet<HubProblemKind> = new Set([
  'Offline',
  'Unreachable',
  'Unavailable',
  'RateLimited',
  'TokenMissing',
  'TokenRefused',
  'BadAnswer',
]);

/** The Hub gave no answer that can be used. Message and remedy are for people and hold no token. */
export class HubProblem extends Error {
  override readonly name = 'HubProblem';
  readonly kind: HubProblemKind;
  readonly remedy: string;

  constructor(kind: HubProblemKind, message: string, remedy: string) {
    super(message);
    this.kind = kind;
    this.remedy = remedy;
  }

  /** Nothing is wrong with what was asked for: ask again later. */
  get passing(): boolean {
    return PASSING.has(this.kind);
  }
}

/** What was asked for, for messages. */
export interface Asked {
  readonly kind: 'model' | 'dataset';
  /** "owner/name". */
  readonly name: string;
  readonly revision?: string | undefined;
  readonly withToken: boolean;
}

/**
 * A refusal in the Hub's form: the code stands in the header X-Error-Code. Without a token missing, private and
 * gated repositories are answered alike (401), so the message says so.
 */
export function refusal(response: Response, asked: Asked): HubProblem {
  const { status } = response;
  const code = response.headers.get('x-error-code');
  const what = `${asked.kind} ${asked.name}`;
  if (code === 'GatedRepo') {
    return new HubProblem(
      'Gated',
      `${what} is gated: its terms must be accepted first`,
      `Accept the terms of ${asked.name} on its page on the Hub, with the account whose token is used`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new HubProblem(
      'RevisionNotFound',
      `${what} has no revision ${asked.revision ?? 'HEAD'}`,
      'Name an existing commit, tag or branch, or none',
    );
  }
  if (status === 404 || (status === 401 && (code === 'RepoNotFound' || !asked.withToken))) {
    return new HubProblem(
      'NotFound',
      `${what} does not exist on the Hub${asked.withToken ? '' : ', or is private'}`,
      asked.withToken ? 'Check the spelling' : 'Check the spelling; a private one needs a token that may read it',
    );
  }
  if (status === 401 || status === 403) {
    return new HubProblem(
      'TokenRefused',
      `the Hub refuses the token (HTTP ${status}) for ${what}`,
      'Store a valid token with read access in the Secret that KRIPTIK_HUB_SECRET names (locally: HF_TOKEN)',
    );
  }
  if (status === 429) {
    return new HubProblem(
      'RateLimited',
      'the rate limit of the Hub is reached',
      asked.withToken ? 'Wait a few minutes' : 'Wait a few minutes, or use a token: its limit is higher',
    );
  }
  return new HubProblem('Unavailable', `the Hub failed (HTTP ${status})`, 'Wait; the facts of the catalog stand in');
}

/** A call that got no answer. */
export function noAnswer(error: unknown, host: string): HubProblem {
  const late = error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
  const { cause } = error instanceof Error ? error : { cause: undefined };
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new HubProblem(
    'Unreachable',
    late ? `${host} did not answer in time` : `${host} cannot be reached${code}`,
    'Check the network and HF_ENDPOINT; HF_HUB_OFFLINE=1 asks no hub at all',
  );
}
