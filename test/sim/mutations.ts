import type { Invariant } from './invariants.ts';

/** A bug put into the operator's own source, to see that the simulation finds it. */
export interface Mutation {
  readonly name: string;
  /** Below operator/. */
  readonly file: string;
  /** Text that is there exactly once, and what stands there instead. */
  readonly find: string;
  readonly put: string;
  /** What must break. */
  readonly breaks: Invariant;
  /** Seeds within which it must be found. */
  readonly within: number;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'an instance is launched before its identity is written',
    file: 'job/reconciler.ts',
    find: 'const leaving =',
    put: "for (const early of decision.status.attempts?.filter((one) => one.state === 'Creating') ?? []) await act(this.#deps, observed, { ...job, status: decision.status }, { type: 'Launch', attempt: early }, context.log);\n    const leaving =",
    breaks: 'approved',
    within: 50,
  },
];
