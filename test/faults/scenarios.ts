import { TrainingGoalResource, type TrainingGoalSpec, type TrainingJob, TrainingJobResource } from '@kriptik/crds';
import { GOAL, type Lane, type Seen } from './lane.ts';

/** What a person does, and when. */
interface Deed {
  readonly what: string;
  readonly when: (seen: Seen) => boolean;
  readonly act: (lane: Lane) => Promise<unknown>;
}

/** A goal's life from its creation to rest. */
export interface Scenario {
  readonly name: string;
  readonly goal: Partial<TrainingGoalSpec>;
  readonly deeds: readonly Deed[];
  /** Holds once every deed is done and nothing more is to come. */
  readonly done: (seen: Seen) => boolean;
  /** Highest limit that people agree to, in USD. */
  readonly limit: number;
}

const phase = ({ goal }: Seen): string => goal?.status?.phase ?? '';
const step = ({ jobs }: Seen): number => jobs[0]?.status?.progress?.step ?? 0;
const saved = ({ jobs }: Seen): number => jobs[0]?.status?.checkpoints?.at(-1)?.step ?? 0;
const attempts = ({ jobs }: Seen): number => jobs[0]?.status?.attempts?.length ?? 0;

const approve: Deed = {
  what: 'approve the plan',
  when: (seen) => phase(seen) === 'AwaitingApproval',
  act: async ({ world }) => await world.approve(GOAL),
};

const scale =
  (replicas: number) =>
  async (lane: Lane): Promise<TrainingJob> => {
    const [job] = await lane.world.jobs();
    const key = { namespace: lane.world.namespace, name: job?.metadata.name ?? '' };
    return await lane.world.client.resource(TrainingJobResource).patch(key, { spec: { replicas } });
  };

const budget = (limit: string) => ({ limit, currency: 'USD' as const, alertAt: 80, warnAt: 95 });

/** Minutes of waiting for people, so that no slow machine freezes it before they cut it. */
const AGREED = 3;
const RAISED = 6;

/** Leaves so much of the budget that the job must freeze very soon, however slow the machine is. */
async function cut({ world }: Lane): Promise<void> {
  const [job] = await world.jobs();
  const { spent, reserve } = job?.status?.cost ?? {};
  await world.setBudget(GOAL, (Number(spent) + Number(reserve) + 0.01).toFixed(6));
}

/** A place is chosen by its price, not by words. */
const WORDS = 'Train a small assistant with LoRA that answers questions like our help desk, from our file.';

/** Reaches its limit once something is saved, and gets more money then. */
export const freezes: Scenario = {
  name: 'freezes at the limit, is raised and succeeds',
  goal: { goal: WORDS, budget: budget(String(AGREED)), constraints: { maxSteps: 300, checkpointEverySteps: 10 } },
  deeds: [
    approve,
    { what: 'cut the budget', when: (seen) => step(seen) >= 12 && saved(seen) >= 10, act: cut },
    {
      what: 'raise the budget',
      when: (seen) => phase(seen) === 'Frozen',
      act: async ({ world }) => await world.setBudget(GOAL, String(RAISED)),
    },
  ],
  done: (seen) => phase(seen) === 'Succeeded',
  limit: RAISED,
};

/** People stop it, let it go on, and remove it while it runs. */
export const pauses: Scenario = {
  name: 'is paused, resumed and deleted',
  goal: { goal: WORDS, budget: budget(String(AGREED)), constraints: { maxSteps: 20_000, checkpointEverySteps: 20 } },
  deeds: [
    approve,
    { what: 'pause', when: (seen) => step(seen) >= 10, act: scale(0) },
    { what: 'resume', when: (seen) => phase(seen) === 'Paused', act: scale(1) },
    {
      what: 'delete the goal',
      when: (seen) => attempts(seen) >= 2 && seen.jobs[0]?.status?.phase === 'Running',
      act: async ({ world }) =>
        await world.client.resource(TrainingGoalResource).delete({ namespace: world.namespace, name: GOAL }),
    },
  ],
  done: ({ goal, jobs, plans }) => goal === undefined && jobs.length === 0 && plans.length === 0,
  limit: AGREED,
};

export const scenarios: readonly Scenario[] = [freezes, pauses];
