import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnthropicFixture, startAnthropic } from '../../test/support/anthropic.ts';
import { catalog } from '../planner/test-builders.ts';
import { systemClock } from '../runtime/clock.ts';
import { type ClaudeOptions, claudeParser } from './claude.ts';
import { readOffline } from './offline/parser.ts';
import type { ParserFailure } from './parser-failure.ts';

/** What must hold of the service as of its stand-in; the live half runs where KRIPTIK_LIVE_ANTHROPIC_KEY holds a key. */

const liveKey = env['KRIPTIK_LIVE_ANTHROPIC_KEY'];
if (!liveKey) process.stdout.write('Claude itself is not asked: KRIPTIK_LIVE_ANTHROPIC_KEY holds no key.\n');

const text =
  'Fine-tune Llama 3.1 8B with QLoRA so that it answers like our help desk, from 2,000 past tickets. Spend at most $40.';
let fixture: AnthropicFixture;

type Target = Pick<ClaudeOptions, 'apiKey' | 'baseURL'>;
const targets: [name: string, target: () => Target][] = [
  ['the stand-in', () => ({ apiKey: () => Promise.resolve(fixture.key), baseURL: fixture.url })],
];
if (liveKey) targets.push(['the service', () => ({ apiKey: () => Promise.resolve(liveKey) })]);

beforeAll(async () => {
  fixture = await startAnthropic(() => JSON.stringify(readOffline(text, catalog)));
});
afterAll(() => fixture.close());

describe.each(targets)('%s', { timeout: 180_000 }, (_name, target) => {
  const parse = (change: Partial<ClaudeOptions> = {}, goal = text) =>
    claudeParser({ ...target(), clock: systemClock, timeoutMs: 60_000, ...change }).parse(
      { goal: { goal }, catalog },
      { signal: new AbortController().signal },
    );
  const failure = (change: Partial<ClaudeOptions>): Promise<ParserFailure> =>
    parse(change).then(
      () => Promise.reject(new Error('it was read')),
      (error: ParserFailure) => error,
    );

  it('reads a plain goal and counts its tokens', async () => {
    const { draft, reading } = await parse();
    expect(draft).toMatchObject({
      modality: 'llm',
      methodStated: true,
      budget: { amount: expect.stringMatching(/^40(\.0+)?$/), currency: 'USD' },
      refusal: null,
      injection: false,
      rows: 2000,
    });
    expect(draft.methods[0]).toBe('qlora');
    expect(draft.model).toContain('llama');
    expect(reading?.tokens.input).toBeGreaterThan(0);
    expect(reading?.tokens.output).toBeGreaterThan(50);
  });

  it('refuses a wrong key', async () => {
    expect((await failure({ apiKey: () => Promise.resolve('sk-ant-wrong') })).reason).toBe('KeyRefused');
  });

  it('knows no other model', async () => {
    expect((await failure({ model: 'claude-of-nobody' })).reason).toBe('ModelUnknown');
  });

  it('cuts an answer off at the limit, and bills it', async () => {
    const { reason, reading } = await failure({ maxTokens: 8 });
    expect(reason).toBe('CutOff');
    expect(reading?.calls).toBe(2);
    expect(reading?.tokens.output).toBeGreaterThan(0);
  });
});
