import type { Contract, Resolved, TrainingPlan, TrainingPlanSpec } from '@kriptik/crds';

type Constraints = Contract['constraints'];
type Hyperparameters = Resolved['hyperparameters'];
type Selection = NonNullable<TrainingPlanSpec['selection']>;

/** What an amendment asks of the planner: everything as it was, but for one remedy. */
export interface Amended {
  readonly contract: Contract;
  readonly selection: Selection;
}

/**
 * The contract and the selection with which the planner comes to the plan as it is but for a remedy's change, such as
 * `hyperparameters.batchSize=2,hyperparameters.gradientAccumulation=4`. Undefined for a change that it cannot make:
 * one it does not know, or one to a plan of several stages, where it does not say which of them it means.
 */
export function amend(plan: TrainingPlan, change: string): Amended | undefined {
  const { resolved } = plan.status ?? {};
  if (resolved === undefined || resolved.stages !== undefined) return undefined;
  const kept: Amended = { contract: pinned(plan.spec.contract, resolved), selection: selected(plan, resolved) };
  return change
    .split(',')
    .reduce<Amended | undefined>((amended, part) => amended && changed(amended, resolved, part), kept);
}

function selected(plan: TrainingPlan, { model, method }: Resolved): Selection {
  const gpu = plan.status?.tiles?.find(({ name }) => name === 'GPU')?.choice;
  const { data } = plan.spec.selection ?? {};
  return {
    model: model.id,
    method: method.name,
    budget: 'planned',
    ...(gpu !== undefined && { gpu }),
    ...(data !== undefined && { data }),
  };
}

/** What the planner chose of its own is a wish now, so that it does not choose again. */
function pinned(contract: Contract, { hyperparameters: hyper }: Resolved): Contract {
  const { epochs: _epochs, maxSteps: _steps, ...wishes } = contract.constraints;
  const { maxSteps, epochs } = hyper;
  const constraints: Constraints = {
    ...wishes,
    ...(maxSteps === undefined ? epochs !== undefined && { epochs } : { maxSteps }),
    learningRate: hyper.learningRate,
    warmupRatio: hyper.warmupRatio,
    batchSize: hyper.batchSize,
    gradientAccumulation: hyper.gradientAccumulation,
    gradientCheckpointing: hyper.gradientCheckpointing,
    maxLength: hyper.maxLength,
    seed: hyper.seed,
    checkpointEverySteps: hyper.checkpointEverySteps,
  };
  return { ...contract, constraints };
}

function changed(amended: Amended, { hyperparameters }: Resolved, part: string): Amended | undefined {
  const [field = '', value = ''] = part.split(/=(.*)/s);
  if (value === '') return undefined;
  const { contract, selection } = amended;
  const wish = (constraints: Partial<Constraints>): Amended => ({
    selection,
    contract: { ...contract, constraints: { ...contract.constraints, ...constraints } },
  });
  switch (field) {
    case 'hyperparameters.learningRate':
      return wish({ learningRate: value });
    case 'hyperparameters.warmupRatio':
      return wish({ warmupRatio: value });
    case 'hyperparameters.batchSize':
      return wish({ batchSize: Number(value) });
    case 'hyperparameters.gradientAccumulation':
      return wish({ gradientAccumulation: Number(value) });
    case 'hyperparameters.gradientCheckpointing':
      return wish({ gradientCheckpointing: value === 'true' });
    case 'hyperparameters.maxLength':
      return wish({ maxLength: Number(value) });
    case 'hyperparameters.maxSteps':
      return wish({ maxSteps: Number(value) });
    case 'hyperparameters.epochs':
      return fewerPasses(wish, hyperparameters, Number(value));
    case 'method.name':
      return byMethod(amended, value);
    default:
      return undefined;
  }
}

/** Where steps end the run before its passes do, fewer passes would change nothing. */
function fewerPasses(
  wish: (constraints: Partial<Constraints>) => Amended,
  { maxSteps }: Hyperparameters,
  epochs: number,
): Amended | undefined {
  return maxSteps === undefined ? wish({ epochs }) : undefined;
}

function byMethod({ contract, selection }: Amended, value: string): Amended | undefined {
  if (value !== 'qlora') return undefined;
  return {
    selection: { ...selection, method: value },
    contract: { ...contract, methods: [value], constraints: { ...contract.constraints, method: value } },
  };
}
