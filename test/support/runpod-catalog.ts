import { type HttpFixture, type Reply, serveFixture } from './http-fixture.ts';

/** One GPU type as GET /v2/catalog/gpus of the RunPod API lists it. */
export interface FixtureGpu {
  readonly id: string;
  readonly secure?: number;
  readonly community?: number;
  readonly memory?: number;
}

export interface RunpodCatalogFixture extends HttpFixture {
  readonly key: string;
  /** Changed at will between requests. */
  gpus: readonly FixtureGpu[];
  /** Answers every request so while it is set. */
  outage: Reply | undefined;
}

const problem = (status: number, title: string, detail: string): Reply => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: { title, status, detail },
});

/** The part of the RunPod API that tells prices. */
export async function startRunpodCatalog(gpus: readonly FixtureGpu[]): Promise<RunpodCatalogFixture> {
  const state: { key: string; gpus: readonly FixtureGpu[]; outage: Reply | undefined } = {
    key: 'rpa_0123456789',
    gpus,
    outage: undefined,
  };
  const server = await serveFixture(({ method, path, headers }) => {
    if (state.outage !== undefined) return state.outage;
    if (headers.authorization !== `Bearer ${state.key}`) return problem(401, 'Unauthorized', 'missing or invalid key');
    if (method !== 'GET' || new URL(path, 'http://x').pathname !== '/v2/catalog/gpus') {
      return problem(404, 'Not Found', 'resource not found');
    }
    return { status: 200, body: { gpus: state.gpus.map(gpuType) } };
  });
  return Object.assign(state, server);
}

function gpuType({ id, secure = 0, community = 0, memory = 80 }: FixtureGpu): unknown {
  return {
    id,
    name: id.replace(/^NVIDIA (GeForce )?/, ''),
    pool: null,
    manufacturer: 'NVIDIA',
    memory,
    secure: secure > 0,
    community: community > 0,
    price: { secure, community },
    maxCount: { secure: 8, community: 8 },
  };
}
