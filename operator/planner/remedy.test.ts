import type { Constraints, TrainingPolicySpec } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { contract, quote, resolved } from '../../test/integration/crds/valid-plan.ts';
import { loadCatalog } from '../catalog/catalog.ts';
import { findModel } from '../catalog/lookup.ts';
import { formatMoney, type MicroUsd, minMoney, parseMoney } from '../money.ts';
import { mergePolicies } from './policy.ts';
import { modelForbidden, offerForbidden } from './policy-check.ts';
import { type Outcome, policyBlock } from './remedy.ts';
import { rented } from './test-builders.ts';
import type { ProviderOffer, RecommendInput } from './types.ts';

/** A planner of four models and five computes, cheapest first: enough to see what a remedy finds. */
const catalog = loadCatalog();
const MODELS = ['smollm2-135m-instruct', 'qwen2.5-7b-instruct', 'llama-3.1-8b-instruct'].map(
  (id) => findModel(catalog, id) ?? raise(id),
);
const COMPUTES = [
  { name: 'here', type: 'local', gpu: 'cpu', regions: [], cost: '1.00' },
  { name: 'cheap', type: 'runpod', gpu: 'L4-24GB', regions: ['US-KS-2'], cost: '5.00' },
  { name: 'europe', type: 'runpod', gpu: 'L4-24GB', regions: ['EU-RO-1'], cost: '8.00' },
  { name: 'big', type: 'modal', gpu: 'H100-SXM-80GB', regions: [], cost: '40.00' },
] as const;

function raise(id: string): never {
  throw new Error(`the catalog lacks ${id}`);
}

function attempt({ contract: goal, policy, monthlyRemaining }: RecommendInput): Outcome {
  const { model, gpuTypes, providers } = goal.constraints;
  const limit = minMoney(
    parseMoney(goal.budget.limit),
    ...[policy.ceilings.perJob, monthlyRemaining].filter((one): one is MicroUsd => one !== undefined),
  );
  for (const spec of MODELS.filter(({ id }) => model === undefined || id === model)) {
    for (const compute of COMPUTES) {
      if (gpuTypes !== undefined && !gpuTypes.includes(compute.gpu)) continue;
      if (providers !== undefined && !providers.includes(compute.type)) continue;
      if (spec.parameters > 1e9 && compute.gpu === 'cpu') continue;
      const offer = compute as unknown as ProviderOffer;
      if ((modelForbidden(policy, spec) ?? offerForbidden(policy, offer, 1)) !== undefined) continue;
      const [region] = compute.regions;
      return {
        resolved: {
          ...resolved,
          model: { ...resolved.model, id: spec.id, title: spec.title },
          compute: {
            provider: compute.name,
            providerType: compute.type,
            gpu: compute.gpu,
            gpuCount: compute.gpu === 'cpu' ? 0 : 1,
            nodes: 1,
            ...(region !== undefined && { region }),
          },
        },
        quote: {
          ...quote,
          total: { ...quote.total, expected: compute.cost },
          reserve: '0',
          limit: formatMoney(limit),
          fits: parseMoney(compute.cost) <= limit,
        },
      };
    }
  }
  return { blocked: { reason: 'NoProvider', message: 'No provider can take this work', remedy: 'Add one.' } };
}

const policies = (...specs: TrainingPolicySpec[]) => specs.map((spec, index) => ({ name: `p${index}`, spec }));

function block(
  constraints: Constraints,
  specs: readonly { name: string; spec: TrainingPolicySpec }[],
  more: Partial<RecommendInput> = {},
) {
  const { model: _model, methods: _methods, ...goal } = contract;
  const input: RecommendInput = {
    contract: {
      ...goal,
      methodStated: false,
      constraints,
      budget: { ...goal.budget, limit: '100.00' },
      quality: 'quick',
    },
    catalog,
    providers: [],
    policy: mergePolicies(specs),
    now: new Date(0),
    ...more,
  };
  return policyBlock(input, attempt(input), attempt)?.blocked;
}

const big = { model: 'qwen2.5-7b-instruct' };

describe('rules that stop a plan', () => {
  it.each([
    {
      case: 'a model that is denied',
      constraints: big,
      specs: policies({}, { models: { denied: ['qwen*'] } }),
      rules: [['p1', 'spec.models.denied']],
      changes: [['spec.constraints.model', 'smollm2-135m-instruct']],
    },
    {
      case: 'a GPU that is not listed: another card passes',
      constraints: { ...big, gpuTypes: ['H100-SXM-80GB'] },
      specs: policies({ gpus: { allowed: ['L4-24GB'] } }),
      rules: [['p0', 'spec.gpus.allowed']],
      changes: [['spec.constraints.gpuTypes', 'L4-24GB']],
    },
    {
      case: 'a kind of provider that is denied, hidden behind "no provider"',
      constraints: { ...big, providers: ['modal' as const] },
      specs: policies({ gpus: { maxCount: 8 } }, { providers: { denied: ['modal'] } }),
      rules: [['p1', 'spec.providers.denied']],
      changes: [['spec.constraints.providers', 'runpod']],
    },
    {
      case: 'two rules of two policies together',
      constraints: { ...big, gpuTypes: ['H100-SXM-80GB'] },
      specs: policies({ gpus: { allowed: ['L4-24GB'] } }, { providers: { allowed: ['local', 'runpod'] } }),
      rules: [
        ['p0', 'spec.gpus.allowed'],
        ['p1', 'spec.providers.allowed'],
      ],
      changes: [['spec.constraints.gpuTypes', 'L4-24GB']],
    },
  ])('$case', ({ constraints, specs, rules, changes }) => {
    const found = block(constraints, specs);
    expect(found?.reason).toBe('ForbiddenByPolicy');
    expect(found?.rules?.map(({ policy, path }) => [policy, path])).toEqual(rules);
    expect(found?.message).toContain(`TrainingPolicy/${rules[0]?.[0]} ${rules[0]?.[1]}`);
    expect(found?.instead?.changes.map(({ field, value }) => [field, value])).toEqual(changes);
    expect(found?.remedy).toContain(`Set ${changes[0]?.[0]} to ${changes[0]?.[1]}.`);
  });

  it('prices the plan that passes', () => {
    const found = block(big, policies({ regions: { allowed: ['EU-RO-1'] }, models: { allowed: ['llama*'] } }));
    expect(found?.instead).toMatchObject({
      cost: '8.00',
      summary: expect.stringContaining('on L4-24GB of europe in EU-RO-1'),
    });
    expect(found?.remedy).toMatch(/about \$8\.00/);
  });

  it('that contradict each other are named in a pair', () => {
    const found = block({}, policies({ providers: { allowed: ['runpod'] } }, { providers: { allowed: ['modal'] } }));
    expect(found?.message).toMatch(
      /p0 spec\.providers\.allowed and TrainingPolicy\/p1 spec\.providers\.allowed have no provider in common/,
    );
    expect(found?.remedy).toMatch(/Nothing passes whatever the goal gives up: ask the platform team/);
  });

  it('on regions tell which providers do not say where they run', () => {
    const silent = { ...rented('L4-24GB', '0.39'), name: 'anywhere' };
    const found = block(big, policies({ regions: { allowed: ['AP-JP-1'] } }), { providers: [silent] });
    expect(found?.remedy).toMatch(/name the regions in spec\.regions of the ComputeProvider anywhere/);
  });

  it('are not blamed where the plan fails without them, too', () => {
    expect(block({ gpuTypes: ['B200-180GB'] }, policies({ models: { denied: ['qwen*'] } }))).toBeUndefined();
    expect(block({}, policies({ models: { denied: ['qwen*'] } }))).toBeUndefined();
    expect(block({ gpuTypes: ['B200-180GB'] }, policies({ models: { denied: ['*'] } }))).toBeUndefined();
    expect(block({ gpuTypes: ['B200-180GB'] }, [])).toBeUndefined();
  });
});

describe('a ceiling', () => {
  const h100 = { ...big, gpuTypes: ['H100-SXM-80GB'] };
  it.each([
    {
      case: 'per job',
      specs: policies({ ceilings: { perJob: '30.00' } }, { ceilings: { perJob: '20.00' } }),
      more: {},
      rule: ['p1', 'spec.ceilings.perJob'],
      text: /needs \$40\.00.*p1 spec\.ceilings\.perJob allows \$20\.00 a job/,
    },
    {
      case: 'of the month',
      specs: policies({ ceilings: { perJob: '30.00', perNamespacePerMonth: '500.00' } }),
      more: { monthlyRemaining: parseMoney('10.00') },
      rule: ['p0', 'spec.ceilings.perNamespacePerMonth'],
      text: /leaves \$10\.00 this month: \$490\.00 of \$500\.00 are spent or promised/,
    },
  ])('$case that leaves too little stops the plan', ({ specs, more, rule: [policy, path], text }) => {
    const found = block(h100, specs, more);
    expect(found?.rules).toEqual([{ policy, path }]);
    expect(found?.message).toMatch(text);
    expect(found?.instead?.changes).toEqual([{ field: 'spec.constraints.gpuTypes', value: 'L4-24GB' }]);
  });

  it('says so whatever the budget of the goal is', () => {
    const { budget, ...goal } = contract;
    const poor = { contract: { ...goal, constraints: h100, budget: { ...budget, limit: '1.00' } } };
    expect(block(h100, policies({ ceilings: { perJob: '20.00' } }), poor)?.reason).toBe('ForbiddenByPolicy');
  });

  it('that would be high enough is not blamed for a low budget', () => {
    const { budget, ...goal } = contract;
    const poor = { contract: { ...goal, constraints: h100, budget: { ...budget, limit: '1.00' } } };
    expect(block(h100, policies({ ceilings: { perJob: '50.00' } }), poor)).toBeUndefined();
  });
});
