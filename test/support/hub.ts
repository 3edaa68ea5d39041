import { createHash, randomUUID } from 'node:crypto';
import { type HttpFixture, type Reply, type SeenRequest, serveFixture } from './http-fixture.ts';

/** The Hub's API and its dataset viewer, as far as the product asks them. */

export interface FixtureRepo {
  readonly id: string;
  /** Newest commit first; the first stands for HEAD and main. */
  readonly commits?: readonly string[];
  readonly private?: boolean;
  readonly gated?: false | 'auto' | 'manual';
  readonly fields?: Readonly<Record<string, unknown>>;
}

export interface FixtureModel extends FixtureRepo {
  readonly config?: unknown;
}

export interface FixtureDataset extends FixtureRepo {
  /** Answers of the dataset viewer; absent where it does not serve the dataset. */
  readonly size?: unknown;
  readonly info?: unknown;
}

export interface HubFixture extends HttpFixture {
  readonly viewerUrl: string;
  readonly token: string;
  /** Changed at will between requests. */
  readonly models: FixtureModel[];
  readonly datasets: FixtureDataset[];
  /** What the next requests get instead, in order. */
  readonly replies: Reply[];
  /** Answers every request so while it is set, once it is there. */
  outage: Reply | Promise<Reply> | undefined;
}

interface Contents {
  readonly token: string;
  readonly models: readonly FixtureModel[];
  readonly datasets: readonly FixtureDataset[];
}

const VIEWER = '/viewer';

/** A commit for a word, so that tests can name it. */
export const commitOf = (word: string): string => createHash('sha1').update(word).digest('hex');

export async function startHub(): Promise<HubFixture> {
  const state = { token: `hf_${randomUUID().replaceAll('-', '')}`, models: [], datasets: [], replies: [] as Reply[] };
  const control: { outage: Reply | Promise<Reply> | undefined } = { outage: undefined };
  const server = await serveFixture((request) => control.outage ?? state.replies.shift() ?? answer(request, state));
  return Object.assign(control, { ...server, ...state, viewerUrl: `${server.url}${VIEWER}` });
}

function answer(request: SeenRequest, contents: Contents): Reply {
  const url = new URL(request.path, 'http://hub');
  const sent = request.headers.authorization;
  if (sent !== undefined && sent !== `Bearer ${contents.token}`) {
    return { status: 401, body: { error: 'Invalid credentials in Authorization header' } };
  }
  const visit = { url, known: sent !== undefined, contents };
  return viewer(visit) ?? repository(visit) ?? listing(visit) ?? file(visit) ?? { status: 200, body: 'The Hub' };
}

interface Visit {
  readonly url: URL;
  /** Came with the token. */
  readonly known: boolean;
  readonly contents: Contents;
}

function viewer({ url, known, contents }: Visit): Reply | undefined {
  const part = new RegExp(`^${VIEWER}/(size|info)$`).exec(url.pathname)?.[1];
  if (part === undefined) return undefined;
  const found = contents.datasets.find(({ id }) => id === url.searchParams.get('dataset'));
  const body = part === 'size' ? found?.size : found?.info;
  const isHidden = found === undefined || ((found.private || found.gated) && !known);
  if (isHidden) return { status: 401, body: { error: 'The dataset does not exist, or is not accessible.' } };
  return body === undefined
    ? { status: 501, headers: { 'x-error-code': 'NotSupportedError' }, body: { error: 'Not supported.' } }
    : { status: 200, body };
}

function repository({ url, known, contents }: Visit): Reply | undefined {
  const match = /^\/api\/(models|datasets)\/(.+?)\/(?:revision\/(.+)|auth-check)$/.exec(url.pathname);
  if (match === null) return undefined;
  const [, kind, id = '', revision] = match;
  const repo = (kind === 'models' ? contents.models : contents.datasets).find((one) => one.id === id);
  if (repo === undefined || (repo.private && !known)) return missing(known);
  if (revision === undefined) return repo.gated && !known ? gatedOff(known) : { status: 200, body: {} };
  const commit = commitAt(repo, revision);
  if (commit === undefined) return refused(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
  return { status: 200, body: described(repo, commit, url.searchParams.getAll('expand')) };
}

function listing({ url, contents }: Visit): Reply | undefined {
  const kind = /^\/api\/(models|datasets)$/.exec(url.pathname)?.[1];
  if (kind === undefined) return undefined;
  const query = url.searchParams.get('search')?.toLowerCase() ?? '';
  const repos: readonly FixtureRepo[] = kind === 'models' ? contents.models : contents.datasets;
  const found = repos.filter((repo) => !repo.private && repo.id.toLowerCase().includes(query));
  const body = found.map((repo) => described(repo, repo.commits?.[0] ?? '', url.searchParams.getAll('expand')));
  return { status: 200, body: body.slice(0, Number(url.searchParams.get('limit') ?? 500)) };
}

function file({ url, known, contents }: Visit): Reply | undefined {
  const match = /^\/(.+?)\/resolve\/([^/]+)\/config\.json$/.exec(url.pathname);
  if (match === null) return undefined;
  const repo = contents.models.find(({ id }) => id === match[1]);
  if (repo === undefined || (repo.private && !known)) return missing(known);
  if (repo.gated && !known) return gatedOff(known);
  return repo.config === undefined
    ? refused(404, 'EntryNotFound', 'Entry not found')
    : { status: 200, body: repo.config };
}

function commitAt({ commits = [] }: FixtureRepo, revision: string): string | undefined {
  return revision === 'HEAD' || revision === 'main' ? commits[0] : commits.find((commit) => commit === revision);
}

/** Only the fields that were asked for, as the Hub does. */
function described(repo: FixtureRepo, sha: string, expand: readonly string[]): Record<string, unknown> {
  const all: Record<string, unknown> = {
    sha,
    private: repo.private ?? false,
    gated: repo.gated ?? false,
    downloads: 10,
    likes: 1,
    lastModified: '2026-10-01T00:00:00.000Z',
    tags: [],
    ...repo.fields,
  };
  const asked = Object.entries(all).filter(([key]) => expand.includes(key));
  return { _id: '64b000000000000000000001', id: repo.id, ...Object.fromEntries(asked) };
}

/** Without a token missing and private repositories are answered alike. */
function missing(known: boolean): Reply {
  return refused(known ? 404 : 401, 'RepoNotFound', 'Repository not found');
}

function gatedOff(known: boolean): Reply {
  return refused(known ? 403 : 401, 'GatedRepo', 'Access to this repository is restricted');
}

function refused(status: number, code: string, error: string): Reply {
  return { status, headers: { 'x-error-code': code, 'x-error-message': error }, body: { error } };
}
