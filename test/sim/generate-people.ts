import type { Random } from './random.ts';
import type { Act, Deed, GoalSetup, Moment, ProviderSetup } from './schedule.ts';

interface Around {
  readonly providers: readonly ProviderSetup[];
  readonly goals: readonly GoalSetup[];
  readonly month: string | undefined;
}

const RAISES = ['0.30', '0.60', '3.00'] as const;
const CUTS = ['0.05', '0.12', '0.20'] as const;
/** Reasons and conditions in which a deed is most likely to do harm. */
const REASONS = ['Freezing', 'Pausing', 'Provisioning', 'Terminating', 'Retrying'] as const;
const CONDITIONS = ['Running', 'Frozen', 'Paused', 'BudgetWarning', 'Succeeded', 'Failed'] as const;

/** Up to five people with a deed or two each, at random moments. */
export function randomPeople(random: Random, around: Around): Deed[][] {
  return Array.from({ length: random.pick([0, 1, 1, 2, 2, 3, 5]) }, () => person(random, around));
}

function person(random: Random, around: Around): Deed[] {
  const goal = random.between(0, around.goals.length - 1);
  const deed = (what: Act, when: Moment = moment(random, goal)): Deed => ({
    when,
    afterMs: random.pick([10, 100, random.between(100, 3_000)]),
    what,
  });
  const provider = random.pick(around.providers as [ProviderSetup, ...ProviderSetup[]]).name;
  const condition = (name: string): Moment => ({ type: 'condition', condition: name, goal });
  switch (random.between(0, 14)) {
    case 0:
      return [deed({ type: 'limit', limit: random.pick(RAISES), goal })];
    case 1:
      return [deed({ type: 'limit', limit: random.pick(RAISES), goal }, condition('Frozen'))];
    case 2:
      return [deed({ type: 'limit', limit: random.pick(RAISES), goal }, { type: 'reason', reason: 'Freezing', goal })];
    case 3:
      return [
        deed({ type: 'limit', limit: random.pick(CUTS), goal }),
        deed({ type: 'limit', limit: random.pick(RAISES), goal }, condition('Frozen')),
      ];
    case 4:
      return [
        deed({ type: 'scale', replicas: 0, goal }),
        deed({ type: 'scale', replicas: 1, goal }, random.chance(0.5) ? condition('Paused') : undefined),
      ];
    case 5:
      return [
        deed({ type: 'suspend', on: true, goal }),
        deed({ type: 'suspend', on: false, goal }, random.chance(0.5) ? condition('Paused') : undefined),
      ];
    case 6:
      return [deed({ type: 'delete', kind: random.pick(['goal', 'plan', 'job']), goal })];
    case 7:
    case 8: {
      const limit = random.chance(0.3) ? { limit: random.pick(RAISES) } : {};
      return [deed({ type: 'rewrite', text: 'Answer in rhyme.', ...limit, goal })];
    }
    case 9:
      return [
        deed({ type: 'provider', provider, enabled: false }),
        deed({ type: 'provider', provider, enabled: true }, { type: 'at', ms: random.between(5_000, 40_000) }),
      ];
    case 10:
      return [deed({ type: 'removeProvider', provider, backAfterMs: random.between(1_000, 20_000) })];
    case 11:
      return [
        deed({ type: 'price', provider, pricePerHour: random.pick(['60.00', '20.00']) }),
        deed({ type: 'price', provider, pricePerHour: '36.00' }, { type: 'at', ms: random.between(5_000, 40_000) }),
      ];
    case 12:
      return [deed({ type: 'terminate', goal })];
    case 13: {
      const perJob = { perJob: random.pick(['0.10', '0.25', '3.00']) };
      const month = around.month === undefined ? {} : { perNamespacePerMonth: around.month };
      return [deed({ type: 'policy', spec: { ceilings: { ...perJob, ...month } } })];
    }
    default:
      return [deed({ type: 'decide', decision: 'Denied', goal }, { type: 'awaiting', goal })];
  }
}

function moment(random: Random, goal: number): Moment {
  switch (random.between(0, 4)) {
    case 0:
      return { type: 'step', step: random.between(1, 19), goal };
    case 1:
      return { type: 'reason', reason: random.pick(REASONS), goal };
    case 2:
      return { type: 'condition', condition: random.pick(CONDITIONS), goal };
    case 3:
      return { type: 'jobExists', goal };
    default:
      return { type: 'at', ms: random.between(100, 45_000) };
  }
}
