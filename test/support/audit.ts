import { readFile } from 'node:fs/promises';

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
