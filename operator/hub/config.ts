import { homedir } from 'node:os';
import { diskCache, memoryCache } from './cache.ts';
import { HubClient, type HubOptions } from './client.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Key of the Secret that holds the token. */
const SECRET_KEY = 'token';

/**
 * The Hub as the environment says: HF_ENDPOINT (a mirror), KRIPTIK_HUB_VIEWER (its dataset viewer), HF_HUB_OFFLINE=1
 * (ask nobody), KRIPTIK_HUB_CACHE (a directory for answers, "~" allowed), and a token: KRIPTIK_HUB_SECRET names a
 * Secret of the operator's namespace, else HF_TOKEN.
 */
export function hubFrom(
  env: Env,
  options: Pick<HubOptions, 'now' | 'timeoutMs'> & {
    readonly readSecret?: (name: string, key: string, signal: AbortSignal) => Promise<string>;
  },
): HubClient {
  const { readSecret, ...rest } = options;
  const secret = env['KRIPTIK_HUB_SECRET'];
  const directory = env['KRIPTIK_HUB_CACHE'];
  return new HubClient({
    ...rest,
    hubUrl: trimmed(env['HF_ENDPOINT']) ?? 'https://huggingface.co',
    viewerUrl: trimmed(env['KRIPTIK_HUB_VIEWER']) ?? 'https://datasets-server.huggingface.co',
    offline: env['HF_HUB_OFFLINE'] === '1',
    cache: directory ? diskCache(directory.replace(/^~(?=\/)/, homedir())) : memoryCache(),
    token: (signal) =>
      secret && readSecret !== undefined
        ? readSecret(secret, SECRET_KEY, signal)
        : Promise.resolve(env['HF_TOKEN'] || undefined),
  });
}

function trimmed(url: string | undefined): string | undefined {
  return url ? url.replace(/\/+$/, '') : undefined;
}
