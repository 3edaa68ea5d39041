import { stripVTControlCharacters } from 'node:util';
import { type Backend, streamsLogs } from '../../backends/backend.ts';
import { redactText } from '../../runtime/log.ts';

/** Lines of a log that are looked at, the newest: a traceback of several processes fits. */
const LINES = 400;

/** Longer than any store of logs needs for so little, in ms. */
const PATIENCE_MS = 5_000;

/** The end of what an attempt wrote, without its secrets; undefined where its provider keeps no log, or did not give it in time. */
export async function readTail(backend: Backend, name: string): Promise<readonly string[] | undefined> {
  if (!streamsLogs(backend)) return undefined;
  const lines: string[] = [];
  try {
    for await (const line of backend.logs(name, { tailLines: LINES, signal: AbortSignal.timeout(PATIENCE_MS) })) {
      lines.push(redacted(line));
      if (lines.length >= LINES) break;
    }
  } catch {
    // A log is read where there is one; what is known without it stands.
  }
  return lines.length === 0 ? undefined : lines;
}

/** Longest line that is kept as evidence. */
const LONGEST = 300;

/** What may be a key without looking like one of a kind: long, without spaces, letters and digits mixed. */
const OPAQUE = /\b(?=[\w+/-]*[0-9])(?=[\w+/-]*[A-Za-z])[\w+-]{32,}={0,2}/g;

/** A line without what must not leave a log, and without what only terminals read. */
export function redacted(line: string): string {
  const clean = redactText(stripVTControlCharacters(line).trim()).replace(OPAQUE, '[redacted]');
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST - 1)}…` : clean;
}
