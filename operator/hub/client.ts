import type { z } from 'zod';
import type { ConfigAnswer, DatasetAnswer, InfoAnswer, ModelAnswer, SizeAnswer } from './answers.ts';
import type { AnswerCache } from './cache.ts';
import { limiter } from './limiter.ts';
import { type Asked, HubProblem, noAnswer, refusal } from './problem.ts';

export interface HubOptions {
  /** Of the Hub or a mirror, without a slash at the end. */
  readonly hubUrl: string;
  /** Of the dataset viewer. */
  readonly viewerUrl: string;
  /** Asked for before each call; undefined = none. */
  readonly token: (signal: AbortSignal) => Promise<string | undefined>;
  /** Ask nobody: what is not in the cache is not known. */
  readonly offline: boolean;
  readonly cache: AnswerCache;
  readonly now: () => number;
  /** For one request with its body, in ms. @default 3000 */
  readonly timeoutMs?: number;
  /** Requests at a time. @default 4 */
  readonly concurrency?: number;
}

/** An answer, when it was given, and whether it is only what was known before. */
export interface Answer<T> {
  readonly value: T;
  /** Epoch ms. */
  readonly at: number;
  /** The Hub could not be asked now; this is its last answer. */
  readonly stale: boolean;
}

export interface Found {
  readonly name: string;
  readonly downloads: number;
  readonly gated: boolean;
}

/** An answer is taken as it is for this long, in ms; later it is asked again and stands in when that fails. */
const FRESH_MS = 600_000;
/** After an unanswered call nobody waits for another for this long, nor asks again for what does not exist, in ms. */
const DOWN_MS = 60_000;
/** Names that do not exist, remembered at most. */
const MOST_REFUSED = 1_000;
const TIMEOUT_MS = 3_000;
const CONCURRENCY = 4;

/** What the Hub and its dataset viewer say. Every method rejects with HubProblem, and with nothing else. */
export class HubClient {
  readonly #options: HubOptions;
  readonly #limit: ReturnType<typeof limiter>;
  #down: { readonly until: number; readonly problem: HubProblem } | undefined;
  #upUntil = Number.NEGATIVE_INFINITY;
  readonly #refused = new Map<string, { readonly until: number; readonly problem: HubProblem }>();

  constructor(options: HubOptions) {
    this.#options = options;
    this.#limit = limiter(options.concurrency ?? CONCURRENCY);
  }

  /** Facts about a model at a revision; its newest commit without one. */
  model(name: string, revision?: string): Promise<Answer<ModelAnswer>> {
    return this.#ask(
      { kind: 'model', name, revision },
      async () => (await shapes()).modelAnswer,
      async (call) => {
        const { modelInfo } = await library();
        return await modelInfo({
          name,
          ...(revision !== undefined && { revision }),
          additionalFields: ['sha', 'safetensors', 'cardData', 'tags'],
          ...call,
        });
      },
      library,
    );
  }

  dataset(name: string, revision?: string): Promise<Answer<DatasetAnswer>> {
    return this.#ask(
      { kind: 'dataset', name, revision },
      async () => (await shapes()).datasetAnswer,
      async (call) => {
        const { datasetInfo } = await library();
        return await datasetInfo({
          name,
          ...(revision !== undefined && { revision }),
          additionalFields: ['sha', 'cardData', 'tags'],
          ...call,
        });
      },
      library,
    );
  }

  /** config.json of a model. */
  config(name: string, revision: string): Promise<Answer<ConfigAnswer>> {
    const { hubUrl } = this.#options;
    const url = `${hubUrl}/${name}/resolve/${encodeURIComponent(revision)}/config.json`;
    return this.#ask(
      { kind: 'model', name, revision, part: 'config.json' },
      async () => (await shapes()).configAnswer,
      (call) => json(url, call),
    );
  }

  /** Rows and bytes by split. */
  size(name: string): Promise<Answer<SizeAnswer>> {
    const url = `${this.#options.viewerUrl}/size?dataset=${encodeURIComponent(name)}`;
    return this.#ask(
      { kind: 'dataset', name, part: 'size' },
      async () => (await shapes()).sizeAnswer,
      (call) => json(url, call),
    );
  }

  /** Columns and rows by split and configuration. */
  info(name: string): Promise<Answer<InfoAnswer>> {
    const url = `${this.#options.viewerUrl}/info?dataset=${encodeURIComponent(name)}`;
    return this.#ask(
      { kind: 'dataset', name, part: 'info' },
      async () => (await shapes()).infoAnswer,
      (call) => json(url, call),
    );
  }

  /** Resolves where the token (or nobody's) may read a gated repository; rejects with why not. */
  async mayRead(kind: Asked['kind'], name: string): Promise<void> {
    const url = `${this.#options.hubUrl}/api/${kind}s/${checked(kind, name)}/auth-check`;
    await this.#call({ kind, name }, async (call) => {
      await call.fetch(url, { headers: authorization(call.accessToken) });
    });
  }

  /** Models or datasets whose names match, most downloaded first. */
  async search(kind: Asked['kind'], query: string, limit = 10): Promise<readonly Found[]> {
    const found = await this.#ask(
      { kind, name: `search:${query}:${limit}`, free: true },
      async () => (await shapes()).searchAnswer,
      async (call) => {
        const { listDatasets, listModels } = await library();
        const options = { search: { query }, limit, sort: 'downloads', ...call } as const;
        const found: unknown[] = [];
        for await (const one of kind === 'model' ? listModels(options) : listDatasets(options)) found.push(one);
        return found;
      },
      library,
    );
    return found.value.map(({ name, downloads, gated }) => ({ name, downloads, gated: Boolean(gated) }));
  }

  /** Whether the Hub answers, as of the last ten minutes. Any answer counts, a refusal too. */
  async reachable(): Promise<boolean> {
    const { now } = this.#options;
    if (now() < this.#upUntil) return true;
    try {
      await this.#call({ kind: 'model', name: 'hub' }, async (call) => {
        await call.fetch(this.#options.hubUrl, { method: 'HEAD' }).catch((error: unknown) => {
          if (!(error instanceof HubProblem) || error.kind === 'Unreachable') throw error;
        });
      });
      return true;
    } catch {
      return false;
    }
  }

  async #ask<T>(
    what: { kind: Asked['kind']; name: string; revision?: string | undefined; part?: string; free?: boolean },
    shape: () => Promise<z.ZodType<T>>,
    ask: (call: HubCall) => Promise<unknown>,
    load?: () => Promise<unknown>,
  ): Promise<Answer<T>> {
    const { kind, name, revision, part = '' } = what;
    if (what.free !== true) checked(kind, name);
    const { cache, now } = this.#options;
    const schema = await shape();
    const keyOf = (of = ''): string => `${this.#options.hubUrl} ${kind} ${name}@${of} ${part}`;
    const key = keyOf(revision);
    const kept = await cache.get(key);
    const known = schema.safeParse(kept?.value);
    const before = kept !== undefined && known.success ? { value: known.data, at: kept.at } : undefined;
    if (before !== undefined && now() - before.at < FRESH_MS) return { ...before, stale: false };
    const refused = this.#refused.get(key);
    if (refused !== undefined && now() < refused.until) throw refused.problem;
    try {
      const value = parsed(schema, await this.#call({ kind, name, revision }, ask, load), `${kind} ${name}`);
      const at = now();
      await cache.put(key, { at, value });
      // The newest commit is later asked for by its name, when a plan is bound to it.
      if (revision === undefined && isCommit(value)) await cache.put(keyOf(value.sha), { at, value });
      return { value, at, stale: false };
    } catch (error) {
      if (before !== undefined && error instanceof HubProblem && error.passing) return { ...before, stale: true };
      if (error instanceof HubProblem && !error.passing) this.#refuse(key, error);
      throw error;
    }
  }

  /** A plan that waits for a dataset to appear asks often. */
  #refuse(key: string, problem: HubProblem): void {
    if (this.#refused.size >= MOST_REFUSED) this.#refused.clear();
    this.#refused.set(key, { until: this.#options.now() + DOWN_MS, problem });
  }

  async #token(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.#options.token(signal);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new HubProblem(
        'TokenMissing',
        why,
        'Store a token in the Secret that KRIPTIK_HUB_SECRET names, or unset it',
      );
    }
  }

  /** What `load` takes is not the Hub's time: on a busy machine that is longer than any answer. */
  async #call<T>(
    asked: Omit<Asked, 'withToken'>,
    ask: (call: HubCall) => Promise<T>,
    load?: () => Promise<unknown>,
  ): Promise<T> {
    const { offline, now, hubUrl, timeoutMs = TIMEOUT_MS } = this.#options;
    if (offline)
      throw new HubProblem('Offline', 'the Hub is not asked (--offline or HF_HUB_OFFLINE)', 'Remove HF_HUB_OFFLINE');
    if (this.#down !== undefined && now() < this.#down.until) throw this.#down.problem;
    await load?.();
    return await this.#limit(async () => {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        const accessToken = await this.#token(signal);
        const call = { hubUrl, ...(accessToken && { accessToken }), fetch: fetchFor(asked, accessToken, signal) };
        const answer = await ask(call);
        this.#down = undefined;
        this.#upUntil = now() + FRESH_MS;
        return answer;
      } catch (error) {
        const problem = problemOf(error, new URL(hubUrl).host);
        if (problem.kind === 'Unreachable') {
          this.#down = { until: now() + DOWN_MS, problem };
          this.#upUntil = Number.NEGATIVE_INFINITY;
        }
        throw problem;
      }
    });
  }
}

/** The shapes of answers take a while to load: only those who ask the Hub pay for it. */
const shapes = (): Promise<typeof import('./answers.ts')> => import('./answers.ts');

const library = (): Promise<typeof import('@huggingface/hub')> => import('@huggingface/hub');

interface HubCall {
  readonly hubUrl: string;
  readonly accessToken?: string;
  readonly fetch: typeof globalThis.fetch;
}

/** Fetch with the time limit of a call, whose refusals are problems already: the client library drops the headers. */
function fetchFor(
  asked: Omit<Asked, 'withToken'>,
  accessToken: string | undefined,
  signal: AbortSignal,
): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await fetch(url, { ...init, signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw refusal(response, { ...asked, withToken: Boolean(accessToken) });
    }
    return response;
  };
}

/** What others use of the client, so that tests and simulations can stand in for it. */
export type Hub = Pick<
  HubClient,
  'model' | 'dataset' | 'config' | 'size' | 'info' | 'mayRead' | 'search' | 'reachable'
>;

async function json(url: string, call: HubCall): Promise<unknown> {
  const response = await call.fetch(url, { headers: authorization(call.accessToken) });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw badAnswer(new URL(url).host);
  }
}

function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw badAnswer(`${what}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function problemOf(error: unknown, host: string): HubProblem {
  if (error instanceof HubProblem) return error;
  // The client library reads JSON itself.
  return error instanceof SyntaxError ? badAnswer(host) : noAnswer(error, host);
}

function badAnswer(about: string): HubProblem {
  return new HubProblem('BadAnswer', `the Hub's answer cannot be read (${about})`, 'Check HF_ENDPOINT');
}

function isCommit(value: unknown): value is { readonly sha: string } {
  return typeof value === 'object' && value !== null && 'sha' in value && typeof value.sha === 'string';
}

/** Names come from goals and end up in addresses. */
function checked(kind: Asked['kind'], name: string): string {
  if (/^[\w.-]{1,96}(\/[\w.-]{1,96})?$/.test(name) && !name.includes('..')) return name;
  throw new HubProblem('NotFound', `"${name}" is no name of a ${kind}`, 'Write owner/name, as the Hub shows it');
}
