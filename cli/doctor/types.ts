/** What one check found. A warning does not stop work; a failure does. */
export interface Finding {
  readonly name: string;
  readonly result: 'ok' | 'warn' | 'fail' | 'skip';
  /** What was seen, one line. */
  readonly detail: string;
  /** What to do about it; absent when all is well. */
  readonly remedy?: string | undefined;
}

export const ok = (name: string, detail: string): Finding => ({ name, result: 'ok', detail });
export const warn = (name: string, detail: string, remedy: string): Finding => ({
  name,
  result: 'warn',
  detail,
  remedy,
});
export const fail = (name: string, detail: string, remedy: string): Finding => ({
  name,
  result: 'fail',
  detail,
  remedy,
});
export const skip = (name: string, detail: string): Finding => ({ name, result: 'skip', detail });
