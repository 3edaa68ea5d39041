import { setTimeout as delay } from 'node:timers/promises';

/** Waits until the condition gives something, and says which one did not. */
export const until = async <T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  ms = 30_000,
): Promise<T> => {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await delay(20);
  }
};
