import { channel } from 'node:diagnostics_channel';

export interface ConnectionCount {
  /** Connections opened so far. */
  readonly opened: number;
  /** Protocols agreed on by ALPN. */
  readonly protocols: ReadonlySet<string>;
  stop(): void;
}

/** Counts the connections undici opens in this process, whoever asks for them, from now until `stop()`. */
export function countConnections(): ConnectionCount {
  let opened = 0;
  const protocols = new Set<string>();
  const connected = channel('undici:client:connected');
  const onConnected = (message: unknown): void => {
    const { socket } = message as { socket: { alpnProtocol?: string | false } };
    opened += 1;
    protocols.add(socket.alpnProtocol || 'none');
  };
  connected.subscribe(onConnected);
  return {
    get opened() {
      return opened;
    },
    protocols,
    stop: () => {
      connected.unsubscribe(onConnected);
    },
  };
}
