import { describe, expect, it } from 'vitest';
import { SecretProblem } from '../secrets.ts';
import { sharedReads } from './credentials.ts';
import { hubTokenOf } from './hub-token.ts';

const ref = { name: 'kriptik-store', namespace: 'kriptik-system' };

describe('a Secret is read', () => {
  it('once for all who ask within ten seconds, and anew after that', async () => {
    let [now, reads] = [0, 0];
    const read = sharedReads(
      async () => ({ accessKeyId: `key-${++reads}` }),
      () => now,
    );
    expect(await Promise.all([read(ref), read(ref)])).toEqual([{ accessKeyId: 'key-1' }, { accessKeyId: 'key-1' }]);
    now = 9_999;
    expect(await read(ref)).toEqual({ accessKeyId: 'key-1' });
    now = 10_000;
    expect(await read(ref)).toEqual({ accessKeyId: 'key-2' });
  });

  it('again at once where that failed', async () => {
    let reads = 0;
    const read = sharedReads(
      async () => {
        reads += 1;
        if (reads === 1) throw new SecretProblem('it may not be read');
        return {};
      },
      () => 0,
    );
    await expect(read(ref)).rejects.toThrow('may not be read');
    expect(await read(ref)).toEqual({});
  });
});

describe('the token of the Hub', () => {
  const hub = { name: 'kriptik-huggingface', namespace: 'kriptik-system' };

  it('is the one of the Secret that the provider names, read each time', async () => {
    let reads = 0;
    const token = hubTokenOf(hub, async () => ({ token: `read-${++reads}` }));
    expect(await token?.()).toBe('read-1');
    expect(await token?.()).toBe('read-2');
  });

  it('is none where the provider names none', () => {
    expect(hubTokenOf(undefined, async () => ({ token: 'read' }))).toBeUndefined();
  });

  it.each([
    {
      case: 'missing',
      read: () => Promise.reject(new SecretProblem('Secret kriptik-system/kriptik-huggingface does not exist')),
      says: 'Secret kriptik-system/kriptik-huggingface does not exist',
    },
    {
      case: 'out of reach',
      read: () => Promise.reject(new SecretProblem('Secret kriptik-system/kriptik-huggingface may not be read')),
      says: 'may not be read',
    },
    {
      case: 'without the key',
      read: async () => ({ tokem: 'secret' }),
      says: 'Secret kriptik-system/kriptik-huggingface has no token',
    },
    { case: 'with nothing in it', read: async () => ({ token: '' }), says: 'has no token' },
  ])('of a Secret that is $case is told with the field that names it, and no value', async ({ read, says }) => {
    const found: unknown = await hubTokenOf(hub, read)?.().catch((error: unknown) => error);
    expect(found).toMatchObject({
      kind: 'Misconfigured',
      message: expect.stringContaining(says),
      remedy: expect.stringContaining('spec.kubernetes.hubTokenRef'),
    });
    expect(JSON.stringify(found)).not.toContain('secret"');
  });
});
