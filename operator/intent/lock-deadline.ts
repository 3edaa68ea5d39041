import type { Constraints } from '@kriptik/crds';
import type { IntentDraft, Question } from './types.ts';

/**
 * A calendar date in the text. A limit is a length of time from approval, and
 * a plan must be the same on any day: so a date binds nothing by itself. A past
 * one is asked about, another one is told with the field that would bind it.
 * `now` is epoch ms.
 */
export function lockDeadline(
  constraints: Constraints,
  { deadlineDate, deadlineHours }: Pick<IntentDraft, 'deadlineDate' | 'deadlineHours'>,
  now: number | undefined,
): { readonly questions: readonly Question[]; readonly notes: readonly string[] } {
  if (deadlineDate === null || constraints.deadline !== undefined) return { questions: [], notes: [] };
  const end = Date.parse(`${deadlineDate}T23:59:59Z`);
  if (Number.isNaN(end)) return { questions: [], notes: [] };
  if (now !== undefined && end < now) {
    return {
      questions: [
        {
          field: 'spec.constraints.deadline',
          question: `The text wants it done by ${deadlineDate}, which is past. How many hours may it take from approval?`,
          example: '24h',
        },
      ],
      notes: [],
    };
  }
  if (deadlineHours !== null) return { questions: [], notes: [] };
  const note = `The text wants it done by ${deadlineDate}; set spec.constraints.deadline, in hours from approval, to bind the plan to it.`;
  return { questions: [], notes: [note] };
}
