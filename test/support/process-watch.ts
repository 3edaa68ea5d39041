import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Processes of one attempt as the system showed them. */
export interface SeenAttempt {
  readonly name: string;
  readonly directory: string;
  /** Epoch ms; the first process began, by the system's own account. */
  readonly start: number;
  /**
   * Epoch ms; its trainer ran then for certain. When it ended is not known, but that it was before the next look; its
   * supervisor then says so, and goes a moment later.
   */
  alive: number;
  /** Epoch ms; the look at which nothing of it was left. Unset while something runs. */
  stop?: number;
  /** Epoch ms at which a trainer, not only its supervisor, was first seen to have begun. */
  trainerStart?: number;
  /** Bearer token of its control server, for the search for leaks. */
  token: string;
}

const LOOK_MS = 60;
/** So often the command of a process that is none of these is read: a fork shows its parent's, and then its own. */
const READS = 5;
/** Looks after which every process is read anew, should one have become another late in its life. */
const FORGET_LOOKS = 100;

/**
 * Samples the process table for supervisors and trainers below a folder. It knows nothing of the operator: what it saw
 * is the witness against which bills and promises are checked.
 */
export class ProcessWatch {
  readonly attempts = new Map<string, SeenAttempt>();
  /** Most trainers seen at one moment. */
  most = 0;
  readonly #folder: string;
  /** Processes that are none of these, with how often that was read. */
  #others = new Map<string, number>();
  #looks = 0;
  #running = true;
  readonly #done: Promise<void>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#done = this.#sample();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  /** Notes what was just begun, by the word of whoever began it: it may end before the next look. */
  began(name: string, directory: string, token: string): void {
    const start = Date.now();
    this.attempts.set(
      name,
      this.attempts.get(name) ?? { name, directory, start, alive: start, trainerStart: start, token },
    );
  }

  /** Names of attempts of which something runs. */
  get live(): string[] {
    return [...this.attempts.values()].filter(({ stop }) => stop === undefined).map(({ name }) => name);
  }

  /** Attempts in the order of their start. */
  get seen(): SeenAttempt[] {
    return [...this.attempts.values()].sort((a, b) => a.start - b.start);
  }

  async #sample(): Promise<void> {
    while (this.#running) {
      await this.#look();
      await delay(LOOK_MS);
    }
  }

  async #look(): Promise<void> {
    this.#looks += 1;
    const known = this.#looks % FORGET_LOOKS === 0 ? new Map<string, number>() : this.#others;
    // Of those that are gone nothing is kept: their numbers are given again.
    this.#others = new Map();
    const alive = new Set<string>();
    let trainers = 0;
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const reads = known.get(pid) ?? 0;
      if (reads >= READS) {
        this.#others.set(pid, reads);
        continue;
      }
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const mine = command.includes(this.#folder);
      // A process without a command line yet may become anything.
      if (!mine && command !== '') this.#others.set(pid, reads + 1);
      const [, directory, name] =
        (mine && /(\/\S*?\/instances\/([a-z0-9-]+))(?:[/ ]|$)/.exec(command.replaceAll('\0', ' '))) || [];
      if (directory === undefined || name === undefined) continue;
      const seenAt = Date.now();
      const start = await startOf(pid);
      if (start === undefined) continue;
      alive.add(name);
      const trains = command.includes('run\0--spec');
      if (trains) trainers += 1;
      await this.#note(name, directory, { start, seenAt, trains });
    }
    this.most = Math.max(this.most, trainers);
    const now = Date.now();
    for (const attempt of this.attempts.values()) {
      if (!alive.has(attempt.name)) attempt.stop ??= now;
    }
  }

  async #note(
    name: string,
    directory: string,
    { start, seenAt, trains }: { start: number; seenAt: number; trains: boolean },
  ): Promise<void> {
    const seen = this.attempts.get(name) ?? { name, directory, start, alive: start, token: '' };
    this.attempts.set(name, seen);
    delete seen.stop;
    if (trains) {
      seen.trainerStart ??= start;
      seen.alive = Math.max(seen.alive, seenAt);
    }
    if (seen.token === '') seen.token = await readFile(join(directory, 'token'), 'utf8').catch(() => '');
  }
}

/** When a process began, epoch ms to a hundredth of a second; undefined when it is gone. */
async function startOf(pid: string): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.split(') ').at(-1)?.split(' ') ?? [];
  // Zombies hold no memory and no processor: they only wait for their parent to notice.
  if (fields.length < 20 || fields[0] === 'Z') return undefined;
  const uptimeMs = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1000;
  return Date.now() - uptimeMs + Number(fields[19]) * 10;
}
