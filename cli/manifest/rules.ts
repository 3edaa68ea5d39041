import type { Schema } from './schema.ts';

/**
 * The message of the first CEL rule that a text certainly breaks. Rules are conjunctions; the conjuncts that compare
 * the text itself with a pattern, a number or a time span are checked here, all others are the API server's.
 */
export function brokenRule(value: string, schema: Schema): string | undefined {
  return schema['x-kubernetes-validations']?.find(({ rule }) => conjuncts(rule).some((part) => fails(part, value)))
    ?.message;
}

function conjuncts(rule: string): string[] {
  // An alternative may save a rule whose parts look broken.
  return rule.includes('||') ? [] : rule.split('&&').map((part) => part.trim());
}

function fails(conjunct: string, value: string): boolean {
  const [, not, pattern] = /^(!?)self\.matches\('((?:[^'\\]|\\.)*)'\)$/s.exec(conjunct) ?? [];
  // CEL text knows the same escapes as a JavaScript string.
  if (pattern !== undefined) return new RegExp(pattern.replaceAll('\\\\', '\\'), 'u').test(value) === (not === '!');
  const [, sign = '', bound = ''] = /^double\(self\) (<=?|>=?) ([\d.]+)$/.exec(conjunct) ?? [];
  if (bound !== '') return breaks(Number(value), sign, Number(bound));
  const [, than = '', span = ''] = /^duration\(self\) (<=?|>=?) duration\('(\w+)'\)$/.exec(conjunct) ?? [];
  if (span !== '') return breaks(minutes(value), than, minutes(span));
  return false;
}

/** Whether a comparison is false; one with something that is no number is left to the rule's other parts. */
function breaks(left: number, sign: string, right: number): boolean {
  if (Number.isNaN(left) || Number.isNaN(right)) return false;
  const holds = { '<': left < right, '<=': left <= right, '>': left > right, '>=': left >= right }[sign];
  return holds === false;
}

/** Minutes of a time span such as 1h30m; NaN for anything else. */
function minutes(span: string): number {
  const [whole, hours = '0', rest = '0'] = /^(?:(\d+)h)?(?:(\d+)m)?$/.exec(span) ?? [];
  return whole === undefined || whole === '' ? Number.NaN : Number(hours) * 60 + Number(rest);
}
