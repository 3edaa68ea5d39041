import { sameJson } from '../../runtime/json.ts';
import { clipped } from '../../runtime/text.ts';
import type { Finding, Recorded, Verdict } from './types.ts';

/** Findings kept on record: those that hold, and the newest of those that went away. */
const KEPT = 10;

/** A finding that holds is written again at most this often, ms: its figures move with every look. */
const UPDATE_MS = 300_000;

export interface MergeInput {
  readonly before: readonly Recorded[];
  /** What detectors say now, by code. Codes that are not in it stay as they are. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Number of the attempt under way. */
  readonly attempt: number | undefined;
  readonly now: number;
}

/**
 * The record of findings after a look: each code appears once; what still holds keeps the time it was found; what is
 * surely gone is marked so, and what came back holds again. Unchanged input gives back the same list.
 */
export function mergeFindings({ before, verdicts, attempt, now }: MergeInput): readonly Recorded[] {
  const at = new Date(now).toISOString();
  const kept = before.map((entry) => {
    const verdict = verdicts.get(entry.code);
    if (verdict === undefined) return entry;
    if (verdict === 'clear') return entry.resolvedAt === undefined ? { ...entry, resolvedAt: at } : entry;
    if (entry.resolvedAt !== undefined) return recorded(verdict, attempt, at);
    return outdated(entry, verdict, now) ? updated(entry, verdict, attempt, at) : entry;
  });
  const known = new Set(before.map(({ code }) => code));
  const fresh = [...verdicts.values()].filter(
    (verdict): verdict is Finding => isFinding(verdict) && !known.has(verdict.code),
  );
  const all = [...kept, ...fresh.map((finding) => recorded(finding, attempt, at))];
  return sameJson(all, before) ? before : shortened(all);
}

function isFinding(verdict: Verdict): verdict is Finding {
  return verdict !== undefined && verdict !== 'clear';
}

function recorded(finding: Finding, attempt: number | undefined, at: string): Recorded {
  const { code, severity, message, evidence, remedies, soundUntilStep } = finding;
  return {
    code,
    message: clipped(message, 2048),
    remedy: clipped(remedies.map(({ text }) => text).join('; '), 2048),
    at,
    severity,
    ...(attempt === undefined ? {} : { attempt }),
    ...(soundUntilStep === undefined ? {} : { soundUntilStep }),
    evidence: evidence
      .filter((line) => line !== '')
      .map((line) => clipped(line, 512))
      .slice(0, 8),
    remedies: remedies
      .map(({ text, change, costsMore }) => ({ text: clipped(text, 512), ...(change && { change }), costsMore }))
      .slice(0, 8),
  };
}

/** The time of the first find stays. */
function updated(entry: Recorded, finding: Finding, attempt: number | undefined, at: string): Recorded {
  return { ...recorded(finding, attempt, entry.at), updatedAt: at };
}

/** Whether what is on record no longer says what is found: another cause at once, other figures after a while. */
function outdated(entry: Recorded, finding: Finding, now: number): boolean {
  if (entry.severity !== finding.severity) return true;
  if (finding.cause !== undefined && entry.message !== finding.message) return true;
  if (sameJson(entry.evidence ?? [], finding.evidence)) return false;
  return now - Date.parse(entry.updatedAt ?? entry.at) >= UPDATE_MS;
}

/** Drops the oldest of those that went away. */
function shortened(entries: readonly Recorded[]): readonly Recorded[] {
  let surplus = entries.length - KEPT;
  return entries.filter(({ resolvedAt }) => resolvedAt === undefined || surplus-- <= 0);
}
