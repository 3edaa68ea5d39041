import { describe, expect, it } from 'vitest';
import { startAnthropic } from '../../test/support/anthropic.ts';
import { catalog } from '../planner/test-builders.ts';
import { systemClock } from '../runtime/clock.ts';
import { readOffline } from './offline/parser.ts';
import { InvalidSetting, intentParsers, type SecretReader } from './parsers.ts';

const text = 'A chatbot in our tone, max $40';
const namesOf = (env: Record<string, string>, secret?: SecretReader) =>
  intentParsers(env, systemClock, secret).map(({ parsedBy }) => parsedBy.model);
const nobody: SecretReader = () => Promise.reject(new Error('Secret kriptik-system/claude does not exist'));

describe('the parsers of an environment', () => {
  it.each<[name: string, env: Record<string, string>, secret: SecretReader | undefined, want: string[]]>([
    ['none without a key', {}, nobody, []],
    ['none with an empty key', { ANTHROPIC_API_KEY: '', KRIPTIK_CLAUDE_SECRET: '' }, nobody, []],
    ['none for a Secret where there is no cluster', { KRIPTIK_CLAUDE_SECRET: 'claude' }, undefined, []],
    ['Claude with a key', { ANTHROPIC_API_KEY: 'sk-1' }, undefined, ['claude-opus-4-5']],
    ['Claude with a Secret', { KRIPTIK_CLAUDE_SECRET: 'claude' }, nobody, ['claude-opus-4-5']],
    [
      'the model that is set',
      { ANTHROPIC_API_KEY: 'sk-1', KRIPTIK_CLAUDE_MODEL: 'claude-haiku-4-5' },
      undefined,
      ['claude-haiku-4-5'],
    ],
  ])('are %s', (_name, env, secret, want) => {
    expect(namesOf(env, secret)).toEqual(want);
  });

  it.each(['KRIPTIK_CLAUDE_TIMEOUT', 'KRIPTIK_CLAUDE_MAX_TOKENS'])('refuse a %s that is no number', (name) => {
    for (const value of ['soon', '0', '-1', '1.5', '1e9']) {
      expect(() => namesOf({ ANTHROPIC_API_KEY: 'sk-1', [name]: value })).toThrow(InvalidSetting);
    }
  });

  it('take the key from the Secret, anew for each goal', async () => {
    const service = await startAnthropic(() => JSON.stringify(readOffline(text, catalog)));
    const keys = ['sk-old', service.key];
    const asked: string[] = [];
    const env = { KRIPTIK_CLAUDE_SECRET: 'claude', ANTHROPIC_API_KEY: 'sk-other', ANTHROPIC_BASE_URL: service.url };
    const [parser] = intentParsers(env, systemClock, (name, key) => {
      asked.push(`${name}/${key}`);
      return Promise.resolve(keys.shift() ?? '');
    });
    const parse = () =>
      parser?.parse({ goal: { goal: text }, catalog }, { signal: new AbortController().signal }) ?? Promise.reject();
    await expect(parse()).rejects.toMatchObject({ reason: 'KeyRefused' });
    expect((await parse()).draft.modality).toBe('llm');
    expect(asked).toEqual(['claude/api-key', 'claude/api-key']);
    await service.close();
  });

  it('say which Secret lacks the key', async () => {
    const [parser] = intentParsers({ KRIPTIK_CLAUDE_SECRET: 'claude' }, systemClock, nobody);
    await expect(
      parser?.parse({ goal: { goal: text }, catalog }, { signal: new AbortController().signal }),
    ).rejects.toMatchObject({
      reason: 'KeyMissing',
      message: 'Secret kriptik-system/claude does not exist',
      remedy: expect.stringContaining('"api-key"'),
    });
  });
});
