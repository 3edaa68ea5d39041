import { systemClock } from '@kriptik/operator/runtime/clock.ts';
import type { Host, Output } from './host.ts';
import { run } from './run.ts';

/** A host whose output is kept and whose answers are given beforehand. */
export interface FakeHost extends Host {
  readonly out: () => string;
  readonly err: () => string;
  readonly questions: readonly string[];
}

export interface FakeHostOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly home?: string;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Answers to questions, in order; without any, nobody can be asked. */
  readonly answers?: readonly string[];
  /** Called before each answer is given, to let something happen while the person thinks. */
  readonly beforeAnswer?: () => Promise<void>;
  /** Width of a terminal; without it the output is not one. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Told everything that was printed so far, each time something is. */
  readonly onOutput?: (out: string) => void;
  readonly clock?: Host['clock'];
}

export function fakeHost(options: FakeHostOptions = {}): FakeHost {
  const texts = { out: '', err: '' };
  const questions: string[] = [];
  const answers = [...(options.answers ?? [])];
  const output = (key: 'out' | 'err'): Output => ({
    write: (text) => {
      texts[key] += text;
      if (key === 'out') options.onOutput?.(texts.out);
    },
    isTTY: options.columns !== undefined,
    columns: options.columns ?? 80,
    rows: 40,
  });
  return {
    env: { NO_COLOR: '1', ...options.env },
    home: options.home ?? '/nonexistent',
    cwd: options.cwd ?? process.cwd(),
    stdout: output('out'),
    stderr: output('err'),
    interactive: options.answers !== undefined,
    clock: options.clock ?? systemClock,
    signal: options.signal ?? new AbortController().signal,
    ask: async (question) => {
      questions.push(question);
      await options.beforeAnswer?.();
      return answers.shift() ?? '';
    },
    readStdin: async () => options.stdin ?? '',
    out: () => texts.out,
    err: () => texts.err,
    questions,
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly questions: readonly string[];
}

/** Runs one command line in this process. */
export async function runCli(args: readonly string[], options: FakeHostOptions = {}): Promise<Ran> {
  const host = fakeHost(options);
  const code = await run(args, host);
  return { code, out: host.out(), err: host.err(), questions: host.questions };
}
