/** Exit codes of `kriptik`. Scripts rely on them: never reuse a number. */

export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  conflict: 5,
  timeout: 6,
  unreachable: 7,
  unfinished: 8,
  unclear: 9,
  overPolicy: 10,
  unplannable: 11,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each code means, in the words of `kriptik help exit-codes` and docs/cli.md. */
export const EXIT_CODES: readonly { readonly code: ExitCode; readonly meaning: string }[] = [
  { code: EXIT.ok, meaning: 'Done. For plan: the goal is planned, though its price may not fit the limit.' },
  {
    code: EXIT.error,
    meaning: 'Something failed; the message says what, where, and what to do. Also: doctor found a fault.',
  },
  { code: EXIT.usage, meaning: 'Wrong command line, or a manifest that can be seen to be wrong without a cluster.' },
  { code: EXIT.notFound, meaning: 'The object, checkpoint, context or file does not exist.' },
  {
    code: EXIT.refused,
    meaning:
      'Refused: no permission, a policy says no, or a question was answered with no. For plan: the goal is refused.',
  },
  {
    code: EXIT.conflict,
    meaning: 'Somebody changed it first. For approve: the plan is no longer the one that was shown.',
  },
  { code: EXIT.timeout, meaning: 'The wait ended before what was waited for.' },
  { code: EXIT.unreachable, meaning: 'No API server answered.' },
  { code: EXIT.unfinished, meaning: 'watch --until: the goal ended, froze or was denied before the phase asked for.' },
  {
    code: EXIT.unclear,
    meaning: 'The goal needs clarification; the questions name the fields that answer them.',
  },
  { code: EXIT.overPolicy, meaning: 'A policy forbids every plan for the goal; the message names the rule.' },
  {
    code: EXIT.unplannable,
    meaning: 'Nothing can be planned for the goal as things stand: data, model, memory, deadline.',
  },
  { code: EXIT.interrupted, meaning: 'Interrupted (Ctrl-C).' },
];
