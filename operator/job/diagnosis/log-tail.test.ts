import { describe, expect, it } from 'vitest';
import type { Backend } from '../../backends/backend.ts';
import { readTail, redacted } from './log-tail.ts';

const backend = (logs: () => AsyncIterable<string>) => ({ logs }) as unknown as Backend;
const names = async (of: Backend) => await readTail(of, 'kriptik-0e5a1c3e-1');

describe('the end of a log', () => {
  it('is read without its secrets', async () => {
    const lines = await names(
      backend(async function* () {
        yield 'loading';
        yield 'token=hush-hush-1';
      }),
    );
    expect(lines).toEqual(['loading', 'token=[redacted]']);
  });

  it('is not missed where there is none', async () => {
    expect(await names({} as Backend)).toBeUndefined();
    expect(await names(backend(async function* () {}))).toBeUndefined();
  });

  it('ends where the provider does not give more', async () => {
    const lines = await names(
      backend(async function* () {
        yield 'one';
        throw new Error('cut off');
      }),
    );
    expect(lines).toEqual(['one']);
  });
});

describe('a line of evidence', () => {
  it.each([
    ['401 Client Error huggingface: token hf_AbCdEfGhIjKlMnOpQr', 'hf_AbCdEfGhIjKlMnOpQr'],
    ['GET https://user:hunter2hunter2@store.example.com failed', 'hunter2hunter2'],
    ['Authorization: Bearer abcdef0123456789', 'abcdef0123456789'],
    ['secret wJalrXUtnFEMI0K7MDENG0bPxRfiCYEXAMPLEKEY1', 'wJalrXUtnFEMI0K7MDENG0bPxRfiCYEXAMPLEKEY1'],
    ['password=correct-horse1 is wrong', 'correct-horse1'],
  ])('keeps no secret: %s', (line, secret) => {
    expect(redacted(line)).not.toContain(secret);
    expect(redacted(line)).toContain('[redacted]');
  });

  it('keeps what it says, without colours, and not more than fits', () => {
    expect(redacted('\u001b[31m CUDA out of memory.\u001b[0m')).toBe('CUDA out of memory.');
    expect(redacted('x '.repeat(400))).toHaveLength(300);
  });
});
