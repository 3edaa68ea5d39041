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
    name: 'an attempt gets a new name at each try',
    file: 'job/act.ts',
    find: 'name: attempt.name,\n      job:',
    put: 'name: attempt.name + deps.newToken().slice(-1),\n      job:',
    breaks: 'approved',
    within: 40,
  },
  {
    name: 'absence is assumed when the provider does not answer',
    file: 'job/gather.ts',
    find: "} catch {\n    return 'unknown';",
    put: '} catch {\n    return undefined;',
    breaks: 'ends',
    within: 100,
  },
  {
    name: 'an attempt is closed while its instance still stops',
    file: 'job/live.ts',
    find: "if (o.instance.state === 'exited') return ended",
    put: "if (o.instance.state === 'exited' || live.state === 'Stopping') return ended",
    breaks: 'ends',
    within: 40,
  },
  {
    name: 'an attempt is billed from the moment it runs',
    file: 'budget/job-ledger.ts',
    find: 'Date.parse(billedFrom ?? createdAt)',
    put: 'Date.parse(arguments[0].startedAt ?? createdAt) + 1_000',
    breaks: 'ledger',
    within: 40,
  },
  {
    name: 'the newest checkpoint counts although it was not verified',
    file: 'job/store-view.ts',
    find: 'const { checkpoint, problems, pending } = await store.latestVerified({',
    put: 'const [checkpoint] = (await store.list()).map((ref) => ({ ...ref, verifiedAt: ref.createdAt })); const { problems, pending } = await store.latestVerified({',
    breaks: 'resume',
    within: 300,
  },
  {
    name: 'a resume begins at step 0',
    file: 'job/trainer-spec.ts',
    find: 'resume: resume === undefined ? null : {',
    put: 'resume: resume === undefined || resume !== undefined ? null : {',
    breaks: 'resume',
    within: 60,
  },
  {
    name: 'the job of an amendment starts over',
    file: 'job/read-store.ts',
    find: 'return await withInheritance(own, job, keeper, fresh ? question : false);',
    put: 'return own;',
    breaks: 'resume',
    within: 600,
  },
  {
    name: 'the token of a trainer is told when it does not answer',
    file: 'job/gather.ts',
    find: 'const status = await client.status();',
    put: 'const status = await client.status().catch((error) => Promise.reject(new Error(error.message + token)));',
    breaks: 'secret',
    within: 300,
  },
  {
    name: 'the spec is written along with the status',
    file: 'job/reconciler.ts',
    find: 'forgetRefusals(this.#deps, written);',
    put: 'forgetRefusals(this.#deps, written); await this.#deps.client.patch(key, { spec: { replicas: 0 } });',
    breaks: 'own hand',
    within: 10,
  },
  {
    name: 'only the last attempt is paid for',
    file: 'budget/ledger.ts',
    find: 'addMoney(folded, ...spans.map(',
    put: 'addMoney(folded, ...spans.slice(-1).map(',
    breaks: 'limit',
    within: 500,
  },
  {
    name: 'an attempt is given up when its provider does not answer',
    file: 'job/live.ts',
    find: "if (o.instance === 'unknown') {\n    return",
    put: "if (o.instance === 'unknown') { return ended(o, attempts, live, undefined);\n    return",
    breaks: 'one instance',
    within: 300,
  },
  {
    name: 'the ceiling of a month is lost where policies are merged',
    file: 'planner/policy.ts',
    find: 'ceilings?.perNamespacePerMonth,',
    put: 'undefined,',
    breaks: 'month',
    within: 600,
  },
  {
    name: 'the last step is promised, not the last that was saved',
    file: 'job/idle.ts',
    find: 'o.store.latest.step} is saved and verified',
    put: '(last?.lastStep ?? 0) + 1} is saved and verified',
    breaks: 'promise',
    within: 40,
  },
  {
    name: 'the time of a probe is written with each look',
    file: 'provider/decide.ts',
    find: "changed ? new Date(o.now).toISOString() : (before.lastProbeTime ?? '')",
    put: 'new Date(o.now).toISOString()',
    breaks: 'quiet',
    within: 10,
  },
  {
    name: 'a look that failed is not taken again',
    file: 'runtime/controller.ts',
    find: 'this.queue.addRateLimited(key)',
    put: '0',
    breaks: 'same end',
    within: 300,
  },
];
