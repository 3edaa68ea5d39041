/** Tells a waiting person what is being built and for how long already. */
export interface Progress {
  /** Starts telling; call the returned function when it is over. */
  start(what: string, expectedMinutes: number): () => void;
  note(text: string): void;
}

interface ProgressOptions {
  readonly write: (text: string) => void;
  /** On a terminal one line is rewritten each second; elsewhere a line is added every 30 seconds. */
  readonly terminal: boolean;
  readonly now?: () => number;
}

/** Progress as text, normally on standard error so that standard output stays usable by programs. */
export function textProgress({ write, terminal, now = Date.now }: ProgressOptions): Progress {
  return {
    note: (text) => write(`${text}\n`),
    start(what, expectedMinutes) {
      const began = now();
      const line = () => `${what}: ${clock(now() - began)} of about ${clock(expectedMinutes * 60_000)}`;
      const tell = terminal ? () => write(`\r\u001b[K${line()}`) : () => write(`${line()}\n`);
      tell();
      const timer = setInterval(tell, terminal ? 1_000 : 30_000);
      return () => {
        clearInterval(timer);
        write(`${terminal ? '\r\u001b[K' : ''}${what}: took ${clock(now() - began)}\n`);
      };
    },
  };
}

/** Standard progress of this process. */
export function stderrProgress(): Progress {
  return textProgress({ write: (text) => process.stderr.write(text), terminal: process.stderr.isTTY });
}

/** Progress that says nothing. */
export const silentProgress: Progress = { start: () => () => {}, note: () => {} };

/** Milliseconds as minutes and seconds, e.g. `5:30`. */
export function clock(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
