import { addMoney, type MicroUsd, microUsd, mulRatio, parseMoney, zeroMoney } from '../money.ts';

/** Tokens of the calls that read one goal, as the service counted them. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  /** Read from, and written to, the service's prompt cache; not part of `input`. */
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** List prices of a model in US dollars per million tokens, as decimal strings. */
export interface TokenPrice {
  readonly model: string;
  readonly input: string;
  readonly output: string;
  readonly cacheWrite: string;
  readonly cacheRead: string;
}

/** What reading a goal took, whether or not it succeeded. */
export interface Reading {
  /** The model that was asked. */
  readonly model: string;
  readonly calls: number;
  readonly tokens: TokenUsage;
}

export const NO_TOKENS: TokenUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

export function addTokens(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
  };
}

const MILLION = 1_000_000n;

/**
 * What the tokens cost at list price, to the micro-dollar, each kind rounded up. A dated name
 * ("claude-opus-4-5-20251101") has the price of its model. Undefined where the table has none.
 */
export function readingCost({ model, tokens }: Reading, prices: readonly TokenPrice[]): MicroUsd | undefined {
  const price = prices.find((row) => model === row.model || model.replace(/-\d{8}$/, '') === row.model);
  if (price === undefined) return undefined;
  const parts = (['input', 'output', 'cacheRead', 'cacheWrite'] as const).map((kind) => {
    const count = tokens[kind];
    if (count === 0) return zeroMoney;
    return mulRatio(parseMoney(price[kind], `the price of ${model}`), BigInt(count), MILLION);
  });
  return addMoney(microUsd(0), ...parts);
}
