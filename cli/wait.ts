import { CliError } from './errors.ts';
import { EXIT } from './exitcodes.ts';
import type { Session } from './session.ts';

/**
 * Looks every `intervalMs` until `probe` answers with something.
 *
 * @throws CliError (timeout) that says what was waited for; the signal's reason when interrupted.
 */
export async function waitFor<R>(
  session: Session,
  probe: () => Promise<R | undefined>,
  options: {
    readonly what: string;
    readonly timeoutMs: number;
    readonly intervalMs?: number;
    readonly remedy: readonly string[];
  },
): Promise<R> {
  const end = session.now() + options.timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (session.now() >= end) {
      throw new CliError(EXIT.timeout, {
        what: `waited ${Math.round(options.timeoutMs / 1000)} s for ${options.what}`,
        remedy: options.remedy,
      });
    }
    await session.host.clock.sleep(options.intervalMs ?? 500, session.host.signal);
  }
}
