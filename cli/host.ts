import { homedir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { type Clock, systemClock } from '@kriptik/operator/runtime/clock.ts';

/** A stream of text towards a person or a file. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Cells in a line and lines on the screen; 80 and 24 when it is not a terminal. */
  readonly columns: number;
  readonly rows: number;
}

/** Everything a command touches of the process it runs in. Tests pass their own. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  readonly clock: Clock;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Shows `question` and resolves with the line typed. Rejects when the signal aborts. */
  ask(question: string): Promise<string>;
  /** The whole of standard input. */
  readStdin(): Promise<string>;
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
  };
}

/** The real process. `signal` is what Ctrl-C aborts. */
export function processHost(signal: AbortSignal): Host {
  return {
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    clock: systemClock,
    signal,
    ask: async (question) => {
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await prompt.question(question, { signal });
      } finally {
        prompt.close();
      }
    },
    readStdin: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}
