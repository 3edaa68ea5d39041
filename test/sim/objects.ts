import { API_VERSION, type ComputeProviderSpec, type TrainingGoalSpec } from '@kriptik/crds';
import type { Stored } from './api-server.ts';
import type { GoalSetup, ProviderSetup } from './schedule.ts';

/** All twenty steps of one goal take about 25 s. */
export const STEPS = 20;

/** An object as people would apply it. */
export function objectOf(kind: string, name: string, spec: object, namespace?: string): Stored {
  const metadata = namespace === undefined ? { name } : { name, namespace };
  return { apiVersion: API_VERSION, kind, metadata, spec };
}

export function budgetOf(limit: string): NonNullable<TrainingGoalSpec['budget']> {
  return { limit, currency: 'USD', alertAt: 80, warnAt: 95 };
}

export function goalSpec({ text, limit, suspend }: GoalSetup): TrainingGoalSpec {
  return {
    goal: text,
    budget: budgetOf(limit),
    constraints: {
      modality: 'llm',
      model: 'HuggingFaceTB/SmolLM2-135M-Instruct',
      method: 'lora',
      providers: ['local'],
      maxSteps: STEPS,
      checkpointEverySteps: 5,
    },
    data: [{ uri: 'hf://datasets/acme/faq', format: 'hub', rows: 200, revision: 'abc' }],
    ...(suspend === undefined ? {} : { suspend }),
  };
}

export function providerSpec({ name, pricePerHour, order, instances, storePrice }: ProviderSetup): ComputeProviderSpec {
  const store = storePrice === undefined ? {} : { store: { uri: `s3://${name}/jobs`, pricePerGiBMonth: storePrice } };
  return { type: 'local', order, limits: { maxInstances: instances }, local: { gpu: 'cpu', pricePerHour }, ...store };
}
