import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/catalog.ts';
import { formatMoney } from '../money.ts';
import { NO_TOKENS, readingCost, type TokenUsage } from './usage.ts';

const { claudePrices } = loadCatalog();
const cost = (model: string, tokens: Partial<TokenUsage>) => {
  const amount = readingCost({ model, calls: 1, tokens: { ...NO_TOKENS, ...tokens } }, claudePrices.models);
  return amount === undefined ? undefined : formatMoney(amount);
};

describe('the cost of reading a goal', () => {
  it.each<[name: string, model: string, tokens: Partial<TokenUsage>, want: string | undefined]>([
    ['input and output', 'claude-opus-4-5', { input: 1_000_000, output: 100_000 }, '7.50'],
    ['a usual goal', 'claude-opus-4-5', { input: 1_400, output: 420 }, '0.0175'],
    ['the prompt cache', 'claude-opus-4-5', { cacheWrite: 100_000, cacheRead: 1_000_000 }, '1.125'],
    ['a dated name', 'claude-opus-4-5-20251101', { input: 1_000_000 }, '5.00'],
    ['a part of a micro-dollar, rounded up', 'claude-haiku-4-5', { cacheRead: 1 }, '0.000001'],
    ['nothing', 'claude-opus-4-5', {}, '0.00'],
    ['a model without a price', 'claude-nine', { input: 1 }, undefined],
  ])('counts %s', (_name, model, tokens, want) => {
    expect(cost(model, tokens)).toBe(want);
  });
});
