import type { Hub } from '@kriptik/operator/hub/client.ts';
import { HubProblem } from '@kriptik/operator/hub/problem.ts';

const silent = (): Promise<never> => Promise.reject(new HubProblem('Unavailable', 'the Hub tells nothing', 'Wait'));

/** A Hub that is there, or not, and tells nothing. */
export function silentHub(reachable = true): Hub {
  return {
    model: silent,
    dataset: silent,
    config: silent,
    size: silent,
    info: silent,
    mayRead: silent,
    search: silent,
    reachable: () => Promise.resolve(reachable),
  };
}
