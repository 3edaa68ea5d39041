import { ApiError, type StatusDetails, UnreachableError } from './errors.ts';

interface WireStatus {
  kind?: string;
  reason?: string;
  message?: string;
  code?: number;
  details?: StatusDetails;
}

/** Longest piece of a body that is not a `Status` (a proxy's HTML page, say) that goes into a message. */
const EXCERPT = 300;

/** Builds the error for a response that is not 2xx. `retryAfter` is the header: seconds or an HTTP date. */
export function apiErrorFrom(status: number, body: string, call: string, retryAfter?: string, nowMs = 0): ApiError {
  const wire = parseStatus(body);
  const fallback = body.trim().slice(0, EXCERPT);
  return new ApiError({
    status,
    reason: wire.reason ?? REASONS[status] ?? 'Unknown',
    message: wire.message ?? `${call}: HTTP ${status}${fallback === '' ? '' : `: ${fallback}`}`,
    details: wire.details,
    retryAfterMs: retryAfterMs(retryAfter, nowMs) ?? secondsToMs(wire.details?.retryAfterSeconds),
  });
}

/** The error a watch stream carries in an `ERROR` event; its object is a `Status`. */
export function apiErrorFromEvent(object: unknown, call: string): ApiError {
  const wire = object as WireStatus;
  return apiErrorFrom(wire.code ?? 500, JSON.stringify(object), call);
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function parseStatus(body: string): WireStatus {
  try {
    const parsed = JSON.parse(body) as WireStatus | null;
    return parsed !== null && parsed.kind === 'Status' ? parsed : {};
  } catch {
    return {};
  }
}

const secondsToMs = (seconds: number | undefined): number | undefined =>
  seconds === undefined || seconds <= 0 ? undefined : seconds * 1000;

function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there. Start the cluster, or check the server address in the kubeconfig.',
  ENOTFOUND: 'the host name does not resolve. Check the server address in the kubeconfig and your DNS.',
  EAI_AGAIN: 'the host name could not be resolved just now. Check your network.',
  ECONNRESET: 'the connection was cut.',
  UND_ERR_SOCKET: 'the connection was cut.',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time limit. Check the network, a VPN or a firewall.',
  EHOSTUNREACH: 'there is no route to the host. Check the network or the VPN.',
  ENETUNREACH: 'there is no route to the network. Check the network or the VPN.',
  CERT_HAS_EXPIRED: "the server's certificate has expired. Renew it, or fetch a new kubeconfig.",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'the server presents a self-signed certificate. Set certificate-authority in the kubeconfig.',
  SELF_SIGNED_CERT_IN_CHAIN:
    "the server's certificate is not signed by the CA in the kubeconfig. Fetch a new kubeconfig.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the server's certificate is not signed by the CA in the kubeconfig. Fetch a new kubeconfig.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the server's certificate is for another name. Set tls-server-name in the kubeconfig, or use the right address.",
  DEADLINE: 'no answer within the time limit.',
};

/** Turns whatever a connection failed with into an error that says where, what and what to do. */
export function unreachable(error: unknown, call: string, server: string): UnreachableError {
  if (error instanceof UnreachableError) return error;
  const code = codeOf(error) ?? 'UNKNOWN';
  const text = REMEDIES[code] ?? `${error instanceof Error ? error.message : String(error)} (${code}).`;
  return new UnreachableError(`${call} at ${server}: ${text}`, code, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
  }
  return undefined;
}
