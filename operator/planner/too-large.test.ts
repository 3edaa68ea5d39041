import type { Contract } from '@kriptik/crds';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publishedMarket } from './market.ts';
import { recommend } from './recommend.ts';
import { catalog, makeContract, makeInput } from './test-builders.ts';

const providers = publishedMarket(catalog);

function plan(rows: number, constraints: Contract['constraints'], limit: string, fields: Partial<Contract> = {}) {
  const contract = makeContract({ data: [{ uri: 's3://firm/cases', rows }], constraints, ...fields }, limit);
  return recommend(makeInput({ contract, providers, dataFacts: [] }));
}

function blockOf(...args: Parameters<typeof plan>) {
  const result = plan(...args);
  return 'blocked' in result ? result.blocked : undefined;
}

describe('a run that is too large', () => {
  it.each([
    [
      'names the rows, and how many fit',
      1e12,
      {},
      /spec\.data\[\]\.rows: [\d,]+ rows in \d+ passes: .* about [1-9][\d,]* rows fit/,
    ],
    [
      'names the passes, where the goal sets them',
      4_000_000_000,
      { epochs: 1000 },
      /spec\.constraints\.epochs: 1,000 passes/,
    ],
    ['says how many passes fit', 4_000_000, { epochs: 1_000_000 }, /or [1-9][\d,]* passes over these/],
    [
      'names the steps, where the goal sets them',
      1e9,
      { maxSteps: 9_000_000_000 },
      /maxSteps: .* about [1-9][\d,]* steps fit/,
    ],
    ['names the rows, where reading them is what takes long', 1e12, { maxSteps: 10 }, /spec\.data\[\]\.rows: reading/],
  ] as const)('%s', (_name, rows, constraints, message) => {
    const blocked = blockOf(rows, constraints, '50000.00', { quality: 'high' });
    expect(blocked?.reason).toBe('TooLarge');
    expect(blocked?.message).toMatch(message);
    expect(blocked?.remedy).toMatch(/spec\.data\[\]\.rows/);
  });

  it('says rows that fit indeed', () => {
    const { message = '' } = blockOf(1e12, {}, '50000.00') ?? {};
    const rows = Number(/about ([\d,]+) rows fit/.exec(message)?.[1]?.replaceAll(',', ''));
    expect(plan(rows, { epochs: 1 }, '50000.00')).toMatchObject({ quote: { fits: true } });
  });

  it('is planned or blocked whatever the sizes, and never an error', () => {
    const size = (digits: number) =>
      fc.double({ min: 0, max: digits, noNaN: true }).map((log) => Math.floor(10 ** log));
    const kinds = [
      { modality: 'llm', capability: 'chat', methods: ['full'] },
      { modality: 'image', capability: 'text-to-image-style', methods: ['lora'] },
      { modality: 'audio', capability: 'text-to-music', methods: ['lora', 'full'] },
    ] as const;
    fc.assert(
      fc.property(
        size(12),
        fc.option(size(4), { nil: undefined }),
        fc.constantFrom('1.00', '500.00', '999999999.99'),
        fc.constantFrom(...kinds),
        fc.constantFrom('standard', 'flagship'),
        (rows, epochs, limit, { modality, capability, methods }, quality) => {
          const fields: Partial<Contract> = { modality, capability, methods: [...methods], quality };
          plan(rows, epochs === undefined ? {} : { epochs }, limit, fields);
        },
      ),
      { numRuns: 40 },
    );
  });
});
