import type { TrainingGoalSpec } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { type ClaudeClock, claudeParser } from './claude.ts';
import { ParserFailure } from './parser-failure.ts';
import type { IntentDraft, ParsedBy } from './types.ts';
import type { Reading } from './usage.ts';

interface ParseInput {
  readonly goal: TrainingGoalSpec;
  readonly catalog: Catalog;
}

/** What a parser made of a text, and what asking took. */
export interface ParsedDraft {
  readonly draft: IntentDraft;
  readonly reading?: Reading;
}

/** Reads a goal's text. Rejects with ParserFailure when it cannot: the next parser is asked then. */
export interface IntentParser {
  readonly parsedBy: ParsedBy;
  parse(input: ParseInput, options: { readonly signal: AbortSignal }): Promise<ParsedDraft>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads one key of a Secret of the operator's namespace. Rejects saying what is missing. */
export type SecretReader = (name: string, key: string, signal: AbortSignal) => Promise<string>;

/** A setting of the environment that cannot be used. */
export class InvalidSetting extends Error {
  override readonly name = 'InvalidSetting';
}

/** Key of the Secret that holds the key of Claude's API. */
const SECRET_KEY = 'api-key';

/**
 * Parsers that come before the embedded one: Claude, where KRIPTIK_CLAUDE_SECRET names a Secret with its key (read
 * anew for each goal, so that a new key needs no restart) or ANTHROPIC_API_KEY holds it. KRIPTIK_CLAUDE_MODEL,
 * KRIPTIK_CLAUDE_TIMEOUT (seconds for one goal), KRIPTIK_CLAUDE_MAX_TOKENS (of an answer) and ANTHROPIC_BASE_URL
 * change what is asked, and where. Throws InvalidSetting for a number that is none.
 */
export function intentParsers(env: Env, clock: ClaudeClock, readSecret?: SecretReader): readonly IntentParser[] {
  const apiKey = keySource(env, readSecret);
  if (apiKey === undefined) return [];
  const model = env['KRIPTIK_CLAUDE_MODEL'];
  const baseURL = env['ANTHROPIC_BASE_URL'];
  const timeout = wholeNumber(env, 'KRIPTIK_CLAUDE_TIMEOUT', 600);
  const maxTokens = wholeNumber(env, 'KRIPTIK_CLAUDE_MAX_TOKENS', 16_000);
  return [
    claudeParser({
      apiKey,
      clock,
      ...(model && { model }),
      ...(baseURL && { baseURL }),
      ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
      ...(maxTokens !== undefined && { maxTokens }),
    }),
  ];
}

function keySource(
  env: Env,
  readSecret: SecretReader | undefined,
): ((signal: AbortSignal) => Promise<string>) | undefined {
  const secret = env['KRIPTIK_CLAUDE_SECRET'];
  if (secret && readSecret !== undefined) {
    return async (signal) => {
      try {
        return await readSecret(secret, SECRET_KEY, signal);
      } catch (error) {
        throw new ParserFailure('KeyMissing', {
          message: error instanceof Error ? error.message : String(error),
          remedy: `Put the key under "${SECRET_KEY}" into the Secret ${secret} of the operator's namespace, which the operator must be allowed to read`,
        });
      }
    };
  }
  const key = env['ANTHROPIC_API_KEY'];
  return key ? () => Promise.resolve(key) : undefined;
}

function wholeNumber(env: Env, name: string, most: number): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new InvalidSetting(`${name} is "${text}": write a whole number from 1 to ${most}, or leave it out`);
  }
  return value;
}
