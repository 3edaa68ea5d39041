import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd, parseMoney, percentOf } from '../money.ts';
import { estimateCost } from './cost.ts';
import { estimate } from './estimate.ts';
import { catalog, gpu, makeWork } from './test-builders.ts';

describe('cost', () => {
  it('is the sum of its parts to the micro-dollar: low, expected and high', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400_000_000 }),
        fc.integer({ min: 1, max: 2_000_000 }),
        fc.double({ min: 0, max: 3000, noNaN: true }),
        (price, seconds, storageGb) => {
          const cost = estimateCost({
            pricePerHour: microUsd(price),
            seconds: { low: seconds * 0.8, expected: seconds, high: seconds * 1.7 },
            storageGb,
            storagePerGbMonth: parseMoney('0.10'),
            reserveSeconds: 100,
          });
          for (const end of ['low', 'expected', 'high'] as const) {
            expect(cost.total[end]).toBe(cost.compute[end] + cost.storage + cost.fees[end]);
            expect(cost.fees[end]).toBe(percentOf(microUsd(cost.compute[end] + cost.storage), 10));
          }
          expect(cost.platformFee).toBe(cost.fees.expected);
        },
      ),
    );
  });

  it('bills storage on rented machines only', () => {
    const rented = estimate(makeWork('qwen2.5-7b-instruct'), parseMoney('1.79'), catalog).cost;
    const own = estimate(makeWork('qwen2.5-7b-instruct', { rented: false }), parseMoney('1.79'), catalog).cost;
    expect(rented.storage).toBeGreaterThan(0);
    expect(own.storage).toBe(0);
  });

  it('bills the disks of every machine', () => {
    const one = makeWork('llama-3.1-8b-instruct', { method: 'full', device: gpu('H100-SXM-80GB', 8) });
    const storage = (nodes: number) => estimate({ ...one, nodes }, parseMoney('1.00'), catalog).cost.storage;
    expect(storage(4)).toBeGreaterThan(storage(1));
  });

  it('of a small job is small: a few steps of a small model on a cheap card cost cents', () => {
    const work = makeWork('qwen2.5-0.5b-instruct', { steps: 50, tokensPerRow: 200, device: gpu('RTX-4090-24GB') });
    const { total } = estimate(work, parseMoney('0.34'), catalog).cost;
    expect(total.expected).toBeLessThan(parseMoney('0.10'));
  });

  it('never falls with more steps, larger batches or longer rows', () => {
    const methods = fc.constantFrom(
      'lora' as const,
      'qlora' as const,
      'full' as const,
      'dpo' as const,
      'rlhf' as const,
    );
    fc.assert(
      fc.property(
        methods,
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 16, max: 2000 }),
        (method, steps, batchSize, tokensPerRow) => {
          const base = makeWork('qwen2.5-1.5b-instruct', { method, steps, batchSize, tokensPerRow });
          const price = parseMoney('1.79');
          const { total, reserve } = estimate(base, price, catalog).cost;
          for (const more of [{ steps: steps + 1 }, { batchSize: batchSize + 1 }, { tokensPerRow: tokensPerRow + 1 }]) {
            const { cost } = estimate({ ...base, ...more }, price, catalog);
            expect(cost.total.expected).toBeGreaterThanOrEqual(total.expected);
          }
          expect(total.low).toBeLessThanOrEqual(total.expected);
          expect(total.expected).toBeLessThanOrEqual(total.high);
          expect(reserve).toBeGreaterThan(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
