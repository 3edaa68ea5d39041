import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const KRIPTIK = join(ROOT, 'bin', 'kriptik');

/** A command of the demo that did not end well. */
export class StepFailed extends Error {}

/** Runs `kriptik` commands as a user would type them, and ends whatever it started. */
export class Terminal {
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();
  #stopping = false;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Prints a heading that says what comes and why. */
  say(text: string): void {
    const bold = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    process.stdout.write(bold ? `\n\u001b[1m${text}\u001b[0m\n` : `\n${text}\n`);
  }

  /** Runs one command in the foreground. Rejects with StepFailed when it fails. */
  async run(...args: string[]): Promise<void> {
    process.stdout.write(`$ kriptik ${args.join(' ')}\n`);
    const code = await this.#exitCode(this.#spawn(args, { stdio: 'inherit' }));
    if (code !== 0) throw new StepFailed(`kriptik ${args[0]} ended with exit code ${code}`);
  }

  /** Starts a command that stays, in a process group of its own; its output goes to `onOutput`. */
  start(args: string[], onOutput: (text: string) => void): ChildProcess {
    process.stdout.write(`$ kriptik ${args.join(' ')} &\n`);
    const child = this.#spawn(args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
    }
    return child;
  }

  /** Ends what still runs, newest first, and waits for it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of [...this.#running].reverse()) {
      child.kill('SIGINT');
      await this.#exitCode(child);
    }
  }

  #spawn(args: string[], options: Parameters<typeof spawn>[2]): ChildProcess {
    if (this.#stopping) throw new StepFailed('the demo is ending');
    const child = spawn(KRIPTIK, args, { ...options, env: this.#env });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  async #exitCode(child: ChildProcess): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }
}
