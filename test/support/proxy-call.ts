import { createHash } from 'node:crypto';
import { attemptIn } from './attempt-names.ts';

/** One request on its way to the API server. */
export interface ProxyCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Plural name of the kind, such as `trainingjobs`; empty for paths that name none. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly watch: boolean;
  /** Reads have none. */
  readonly body: unknown;
}

/** A write as the proxy remembers it. */
export interface LoggedWrite {
  /** What the write says, without times, amounts and names: equal in every run of the same scenario. */
  readonly label: string;
  /** Which write of this label it is, from 1. */
  readonly occurrence: number;
  readonly call: ProxyCall;
  /** Epoch ms. */
  readonly at: number;
  /** Answer of the API server; unset where it was not asked or did not answer. */
  status?: number;
  /** What the API server says against it. */
  refusal?: string;
  /** Whether the API server's state changed by it. */
  effective: boolean;
}

const PATH =
  /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<sub>.+))?$/;

/** Takes a request apart. `body` is its text. */
export function callOf(method: string, url: string, body: string): ProxyCall {
  const { pathname, searchParams } = new URL(url, 'https://proxy');
  const { namespace = '', resource = '', name = '', sub = '' } = PATH.exec(pathname)?.groups ?? {};
  const watch = ['1', 'true'].includes(searchParams.get('watch') ?? '');
  const parsed: unknown = body === '' ? undefined : JSON.parse(body);
  return {
    method,
    path: pathname,
    query: searchParams,
    resource,
    subresource: sub,
    namespace,
    name,
    watch,
    body: parsed,
  };
}

/** Requests that change nothing although they are posted. */
const ASKING = new Set(['selfsubjectreviews', 'selfsubjectaccessreviews', 'subjectaccessreviews', 'tokenreviews']);

export const isWrite = ({ method, resource }: ProxyCall): boolean => method !== 'GET' && !ASKING.has(resource);

interface Attempt {
  readonly state?: string;
  readonly outcome?: string;
}
interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
}
interface Written {
  readonly reason?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly finalizers?: readonly string[] | null;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly [field: string]: unknown } | null;
}

/**
 * Names a write by what it says: which kind, which phase, which attempts in which state, which conditions. Amounts,
 * times and progress are left out, so that a run with faults can be asked for the same write again.
 */
export function labelOf(call: ProxyCall): string {
  const written = (call.body ?? {}) as Written;
  // Of calls to a pod the last part may be an identifier.
  const below = call.subresource.split('/').slice(0, 3).join('/');
  const parts = [call.method, below === '' ? call.resource : `${call.resource}/${below}`];
  if (call.resource === 'events') return [...parts, written.reason ?? 'again'].join(' ');
  if (call.resource === 'leases') return parts.join(' ');
  const { finalizers, annotations, name = call.name } = written.metadata ?? {};
  // What belongs to an attempt is named after it; the part before is the job's, and another in each run.
  const attempt = attemptIn(name);
  if (attempt !== undefined) parts.push(`of attempt ${attempt.number}`);
  if (call.method === 'DELETE') return parts.join(' ');
  if (call.method === 'PATCH') parts.push(...Object.keys(annotations ?? {}).sort());
  if (finalizers !== undefined) parts.push(`finalizers=${finalizers?.length ?? 0}`);
  const status = written.status ?? {};
  if (typeof status['phase'] === 'string') parts.push(status['phase']);
  const attempts = status['attempts'] as readonly Attempt[] | undefined;
  if (Array.isArray(attempts)) {
    parts.push(`attempts=${attempts.map(({ state = '', outcome }) => outcome ?? state).join(',')}`);
  }
  const conditions = status['conditions'] as readonly Condition[] | undefined;
  if (Array.isArray(conditions)) {
    const told = conditions.map(({ type = '', status: value = '', reason = '' }) => `${type}=${value}/${reason}`);
    parts.push(`#${createHash('sha256').update(told.sort().join()).digest('hex').slice(0, 6)}`);
  }
  const told = new Set(['phase', 'attempts', 'conditions', ...NOISE]);
  parts.push(
    ...Object.keys(status)
      .filter((field) => !told.has(field))
      .sort(),
  );
  return parts.join(' ');
}

/** Fields that move with the time and not with the flow. */
const NOISE = ['cost', 'progress', 'timings', 'pace', 'storage', 'checkpoints', 'observedGeneration', 'budget'];
