import { createInterface } from 'node:readline';
import { isNotFound } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/rest.ts';
import type { LogOptions } from '../backend.ts';
import { CONTAINER } from './names.ts';
import type { Pod } from './objects.ts';

/** A line longer than this is handed out in pieces, so that a trainer cannot fill the operator's memory. */
const MAX_LINE = 64 * 1024;

/**
 * Lines of a pod's trainer, oldest first. Nothing for a pod that is gone. With `follow` until its container ends or
 * `signal` aborts.
 */
export async function* podLogs(kube: KubeClient, pod: Pod, options: LogOptions): AsyncGenerator<string, void, void> {
  const { namespace = '', name } = pod.metadata;
  const stopper = new AbortController();
  const stop = (): void => stopper.abort(new Error('the log is not read any further'));
  if (options.signal?.aborted === true) return;
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    const body = await kube.stream(`/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(name)}/log`, {
      accept: '*/*',
      signal: stopper.signal,
      query: {
        container: CONTAINER,
        follow: options.follow === true ? true : undefined,
        tailLines: options.tailLines,
      },
    });
    for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
      for (let at = 0; at === 0 || at < line.length; at += MAX_LINE) yield line.slice(at, at + MAX_LINE);
    }
  } catch (error) {
    if (!stopper.signal.aborted && !isNotFound(error)) throw error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    stop();
  }
}
