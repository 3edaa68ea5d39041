import { channel } from 'node:diagnostics_channel';

/** Counts the connections undici opens in this process, whoever asks for them, from now until `stop()`. */
export function countConnections(): { readonly count: () => number; stop(): unknown } {
  let opened = 0;
  const connected = channel('undici:client:connected');
  const onConnected = (): void => {
    opened += 1;
  };
  connected.subscribe(onConnected);
  return { count: () => opened, stop: () => connected.unsubscribe(onConnected) };
}
