import type { IntentParser } from './types.ts';
export function intentParsers(_env: Readonly<Record<string, string | undefined>>): readonly IntentParser[] {
  return [];
}
