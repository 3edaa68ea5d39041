import { open, readFile, stat } from 'node:fs/promises';

/** One write to the API server, as its audit log has it. */
export interface AuditEntry {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly stage: string;
  /** RFC 3339. */
  readonly stageTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
}

/** All answered writes, oldest first. */
export async function auditLog(path: string | undefined): Promise<AuditEntry[]> {
  if (path === undefined) throw new Error('the API server keeps no audit log');
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => JSON.parse(line) as AuditEntry).filter(({ stage }) => stage === 'ResponseComplete');
}

/** Whether the API server did what was asked. */
export function accepted(entry: AuditEntry): boolean {
  const code = entry.responseStatus?.code ?? 0;
  return code >= 200 && code < 300;
}

/** What an audit log says from a moment on, read without what came before: the log of many runs is long. */
export class AuditTail {
  readonly #path: string;
  readonly #from: number;

  private constructor(path: string, from: number) {
    this.#path = path;
    this.#from = from;
  }

  static async from(path: string | undefined): Promise<AuditTail> {
    if (path === undefined) throw new Error('the API server keeps no audit log');
    return new AuditTail(path, (await stat(path)).size);
  }

  /** The lines of one namespace since then, as they stand there, oldest first. */
  async lines(namespace: string): Promise<string[]> {
    const file = await open(this.#path, 'r');
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - this.#from));
      await file.read(bytes, 0, bytes.length, this.#from);
      // The last line may be half written.
      const whole = bytes.toString().split('\n').slice(0, -1);
      return whole.filter((line) => line.includes(`"namespace":"${namespace}"`));
    } finally {
      await file.close();
    }
  }

  /** Answered writes in one namespace since then, oldest first. */
  async writes(namespace: string): Promise<AuditEntry[]> {
    const entries = (await this.lines(namespace)).map((line) => JSON.parse(line) as AuditEntry);
    return entries.filter(({ stage, objectRef }) => stage === 'ResponseComplete' && objectRef?.namespace === namespace);
  }
}
