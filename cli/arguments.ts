import { type MicroUsd, parseMoney } from '@kriptik/operator/money.ts';
import { InvalidArgumentError } from 'commander';

/** Gathers an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Parses a number of seconds above zero. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new InvalidArgumentError('Give a number of seconds above zero.');
  return value;
}

/** Parses a whole number of at least zero. */
export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

/** Parses an amount of US dollars; a dollar sign in front is allowed. */
export function amount(text: string): MicroUsd {
  try {
    return parseMoney(text.replace(/^\$/, ''));
  } catch {
    throw new InvalidArgumentError('Give US dollars with up to six decimals, such as 12.50.');
  }
}
