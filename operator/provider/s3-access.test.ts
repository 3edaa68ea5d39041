import { describe, expect, it } from 'vitest';
import { SecretProblem } from '../secrets.ts';
import { s3AccessOf } from './s3-access.ts';

const ref = { name: 'kriptik-store', namespace: 'kriptik-system' };
const reading = (keys: Record<string, string>) => async () => keys;

describe('an S3 store is reached', () => {
  it('at AWS, with what the environment has, where nothing is said', async () => {
    expect(await s3AccessOf({ uri: 's3://models' }, reading({}))?.()).toEqual({
      region: 'us-east-1',
      pathStyle: false,
    });
  });

  it('at an endpoint, in the path, with the keys of the Secret', async () => {
    const store = { uri: 's3://models', endpoint: 'https://s3.example.org', region: 'eu', credentialsRef: ref };
    const keys = { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' };
    expect(await s3AccessOf(store, reading(keys))?.()).toEqual({
      endpoint: 'https://s3.example.org',
      region: 'eu',
      pathStyle: true,
      credentials: keys,
    });
  });

  it('not at all where the store is a claim', () => {
    expect(s3AccessOf({ uri: 'pvc://claim' }, reading({}))).toBeUndefined();
  });

  it.each([
    {
      case: 'is missing',
      read: () => Promise.reject(new SecretProblem('Secret kriptik-system/kriptik-store does not exist')),
      says: 'does not exist',
    },
    { case: 'lacks a key', read: reading({ accessKeyId: 'a' }), says: 'kriptik-store has no secretAccessKey' },
  ])('only with a Secret: one that $case is named, with what it needs', async ({ read, says }) => {
    await expect(s3AccessOf({ uri: 's3://models', credentialsRef: ref }, read)?.()).rejects.toMatchObject({
      kind: 'Misconfigured',
      message: expect.stringContaining(says),
      remedy: expect.stringContaining('secretAccessKey'),
    });
  });
});
