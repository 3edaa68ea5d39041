import { describe, expectTypeOf, it } from 'vitest';
import type {
  Approval,
  Budget,
  Condition,
  Contract,
  DeepReadonly,
  Quote,
  Run,
  Tile,
  TrainingGoal,
  TrainingGoalSpec,
  TrainingJobStatus,
  TrainingPlan,
  TrainingPlanStatus,
} from './index.ts';
import type { ResourceType } from './resources.ts';

/** A few places where a wrong generator would show; the YAML says the rest. */
describe('the generated types', () => {
  it('require what the server always returns, defaults included', () => {
    expectTypeOf<Budget>().toEqualTypeOf<{ limit: string; currency: 'USD'; alertAt: number; warnAt: number }>();
    expectTypeOf<TrainingGoalSpec['budget']>().toEqualTypeOf<Budget | undefined>();
    expectTypeOf<TrainingGoal['metadata']['uid']>().toBeString();
    expectTypeOf<TrainingGoal['status']>().toExtend<object | undefined>();
  });

  it('close every object, so that a misspelt field is an error', () => {
    expectTypeOf<keyof Condition>().toEqualTypeOf<
      'type' | 'status' | 'reason' | 'message' | 'lastTransitionTime' | 'observedGeneration'
    >();
  });

  it('keep enums as unions and lists as lists of any length', () => {
    expectTypeOf<Approval['decision']>().toEqualTypeOf<'Approved' | 'Denied'>();
    expectTypeOf<TrainingPlanStatus['tiles']>().toEqualTypeOf<Tile[] | undefined>();
    expectTypeOf<NonNullable<TrainingJobStatus['progress']>['lossHistory']>().toEqualTypeOf<string[] | undefined>();
  });

  it('share the contract and the quote between plan and job', () => {
    expectTypeOf<Run['contract']>().toEqualTypeOf<Contract>();
    expectTypeOf<Run['quote']>().toEqualTypeOf<Quote>();
    expectTypeOf<Contract['budget']>().toExtend<Budget>();
  });

  it('are assignable to a JSON value, as hashing needs it', () => {
    type JsonValue =
      | string
      | number
      | boolean
      | null
      | readonly JsonValue[]
      | { readonly [key: string]: JsonValue | undefined };
    expectTypeOf<Contract>().toExtend<JsonValue>();
    expectTypeOf<Quote>().toExtend<JsonValue>();
  });

  it('can be frozen all the way down', () => {
    type Frozen = DeepReadonly<TrainingPlan>;
    expectTypeOf<Frozen['spec']['contract']['data'][number]>().toExtend<{ readonly uri: string }>();
    expectTypeOf<Frozen['spec']['contract']['data']>().not.toExtend<unknown[]>();
    expectTypeOf<ResourceType<TrainingPlan>['objectType']>().toEqualTypeOf<TrainingPlan | undefined>();
  });
});
