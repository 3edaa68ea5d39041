import { claudeParser } from './claude.ts';
import type { IntentParser } from './types.ts';

/**
 * Parsers that come before the embedded one: Claude where ANTHROPIC_API_KEY is set. ANTHROPIC_BASE_URL and
 * KRIPTIK_CLAUDE_MODEL change where and what is asked.
 */
export function intentParsers(env: Readonly<Record<string, string | undefined>>): readonly IntentParser[] {
  const apiKey = env['ANTHROPIC_API_KEY'];
  if (apiKey === undefined || apiKey === '') return [];
  const model = env['KRIPTIK_CLAUDE_MODEL'];
  const baseURL = env['ANTHROPIC_BASE_URL'];
  return [claudeParser({ apiKey, ...(model && { model }), ...(baseURL && { baseURL }) })];
}
