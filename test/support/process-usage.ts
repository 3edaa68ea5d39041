import { readFile } from 'node:fs/promises';

/** Clock ticks of /proc are 1/100 s on Linux. */
const TICKS = 100;

/** CPU seconds (user and system) that a process has used so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Memory that a process has in use now, MiB. */
async function residentMiB(pid: number): Promise<number> {
  const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** Seconds that all cores together were busy since the machine started. */
export async function machineBusySeconds(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + soft) / TICKS;
}

/** Watches the memory of a process until it is stopped. */
export class MemoryWatch {
  #peak = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    const look = async (): Promise<void> => {
      this.#peak = Math.max(this.#peak, await residentMiB(pid).catch(() => 0));
    };
    this.#timer = setInterval(() => void look(), 500);
  }

  /** Most that was seen since the last call, MiB. */
  take(): number {
    const peak = this.#peak;
    this.#peak = 0;
    return peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
