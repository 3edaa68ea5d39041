import type { ServerResponse } from 'node:http';
import type { KubeObject, WatchEvent } from '../types.ts';
import type { Change, FakeStore } from './fake-store.ts';
import type { StreamFilter } from './faults.ts';

export interface OpenWatch {
  /** Ends the response in good order, as a server does at its time limit. */
  end(): void;
  /** Cuts the connection. */
  reset(): void;
  /** Sends the 410 event and ends. */
  gone(): void;
  bookmark(): void;
}

export interface WatchParameters {
  readonly store: FakeStore;
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly version: number;
  readonly timeoutMs: number;
  readonly response: ServerResponse;
  readonly filter: StreamFilter;
  readonly onClose: () => void;
}

/** Streams the changes after a version. @throws ApiError 410 when they are forgotten. */
export function openWatch(parameters: WatchParameters): OpenWatch {
  const { store, collection, namespace, version, timeoutMs, response, filter } = parameters;
  const replay = store.since(collection, version);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  const write = (type: string, object: object): void => void response.write(`${JSON.stringify({ type, object })}\n`);
  const emit = ({ event }: Change): void => {
    if (namespace !== undefined && event.object.metadata.namespace !== namespace) return;
    for (const { type, object } of filter(event)) write(type, object);
  };
  for (const change of replay) emit(change);
  const unsubscribe = store.onChange((name, change) => {
    if (name === collection) emit(change);
  });
  const timer = setTimeout(() => end(), timeoutMs);
  const close = (): void => {
    clearTimeout(timer);
    unsubscribe();
    parameters.onClose();
  };
  const end = (): void => {
    close();
    response.end();
  };
  response.once('close', close);
  return {
    end,
    reset: () => {
      close();
      response.socket?.destroy();
    },
    gone: () => {
      write('ERROR', {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code: 410,
        reason: 'Expired',
        message: 'gone',
      });
      end();
    },
    bookmark: () => write('BOOKMARK', bookmarkOf(store.version)),
  };
}

function bookmarkOf(version: number): WatchEvent<KubeObject>['object'] {
  return { apiVersion: 'v1', kind: 'Bookmark', metadata: { name: '', resourceVersion: String(version) } };
}
