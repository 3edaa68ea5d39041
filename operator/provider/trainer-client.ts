import type { Dispatcher } from 'undici';
import type { KubeClient } from '../runtime/rest.ts';
import { createTrainerClient, type TrainerClient } from '../trainer/client.ts';

/**
 * Makes clients of trainers' control servers over shared connections. An endpoint below the API server's address, as
 * that of a pod behind its proxy, is asked with the cluster's own credentials.
 */
export function trainerClientsOver(
  client: KubeClient,
  dispatcher: Dispatcher,
): (endpoint: string, token: string) => TrainerClient {
  return (baseUrl, token) => {
    if (!baseUrl.startsWith(`${client.server}/`)) return createTrainerClient({ baseUrl, token, dispatcher });
    return createTrainerClient({
      baseUrl,
      token,
      send: (url, request) => client.exchange(url.href.slice(client.server.length), request),
    });
  };
}
