import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

/** A check reads and parses the whole file; large ones take a while. In ms. */
const TIMEOUT_MS = 300_000;

const issue = z.object({
  code: z.string(),
  message: z.string(),
  where: z.string(),
  remedy: z.string(),
  field: z.string().nullable(),
});

/** What the trainer says of data files before anything is spent on them. */
export const checkReport = z.object({
  ok: z.boolean(),
  rows: z.number().int().nonnegative(),
  tokens: z.object({ mean: z.number(), p95: z.number(), max: z.number() }),
  files: z.array(
    z.object({
      uri: z.string(),
      rows: z.number().int().nonnegative(),
      sizeBytes: z.number().int().nonnegative(),
      sha256: z.string().nullable(),
      errorCount: z.number().int().nonnegative(),
      errors: z.array(issue),
    }),
  ),
});
export type CheckReport = z.infer<typeof checkReport>;

/** What rows are for, as the trainer's check names it. */
export type DataKind =
  | 'chat'
  | 'preferences'
  | 'judged'
  | 'prompts'
  | 'images'
  | 'subject'
  | 'clips'
  | 'sounds'
  | 'questions'
  | 'seen-preferences';

/** Checks one data file or folder; rows to chat with where no kind is given. Rejects when the trainer itself cannot be run. */
export type DataCheck = (uri: string, format: string, kind?: DataKind) => Promise<CheckReport>;

/**
 * Runs the trainer's own data check, so that what a plan accepts is what a run accepts. `python` needs the trainer's
 * packages only for Parquet; `env` says where the package lies.
 */
export function dataCheckOf(python: string, env: Readonly<Record<string, string | undefined>>): DataCheck {
  return async (uri, format, kind = 'chat') => {
    const args = ['-m', 'kriptik_trainer', 'check', '--data', uri, '--format', format, '--kind', kind];
    const { stdout } = await run(python, args, { env, timeout: TIMEOUT_MS, maxBuffer: 8 * 1024 * 1024 }).catch(
      (error: unknown) => {
        // Exit code 20 means that the data is at fault; the report says how.
        if (error instanceof Error && 'code' in error && error.code === 20 && 'stdout' in error) {
          return { stdout: String(error.stdout) };
        }
        throw error;
      },
    );
    return checkReport.parse(JSON.parse(stdout));
  };
}
