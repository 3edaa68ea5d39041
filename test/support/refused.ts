import { expect } from 'vitest';

/** Expects the API server to refuse a write, in a message that has these words. */
export async function refused(write: Promise<unknown>, ...words: string[]): Promise<void> {
  const error = await write.then(
    () => new Error('the API server accepted it'),
    (reason: Error) => reason,
  );
  for (const word of words) expect(error.message).toContain(word);
  expect(error).toHaveProperty('status');
}
