/**
 * Money in code: whole micro-dollars, never floats. One dollar is 1,000,000.
 * The API carries decimal strings with up to six decimals, so every amount of
 * the API is exact here. Costs round up: we never promise less than we bill.
 */
declare const brand: unique symbol;
export type MicroUsd = number & { readonly [brand]: 'MicroUsd' };

const MICROS_PER_DOLLAR = 1_000_000;
const MS_PER_HOUR = 3_600_000;
const API_PATTERN = /^(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,6}))?$/;
/** 999999999.999999 */
const LARGEST = 999_999_999_999_999;

/** An amount that cannot be represented; `field` says where it was found. */
export class InvalidMoney extends Error {
  override readonly name = 'InvalidMoney';
  readonly field: string;
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`);
    this.field = field;
  }
}

export const zeroMoney: MicroUsd = whole(0, 'zero');

/** The largest amount the API's pattern can carry. */
export const mostMoney: MicroUsd = whole(LARGEST, 'most');

/** Micro-dollars from an integer. Throws InvalidMoney when fractional or above 2^53. */
export function microUsd(value: number, field = 'amount'): MicroUsd {
  if (!Number.isSafeInteger(value)) throw new InvalidMoney(field, `${value} is not a whole number of micro-dollars`);
  return whole(value, field);
}

/** Parses the API's decimal string ("12.50", up to six decimals). Throws InvalidMoney naming `field`. */
export function parseMoney(text: string, field = 'amount'): MicroUsd {
  const match = API_PATTERN.exec(text);
  if (match === null) {
    throw new InvalidMoney(field, `"${text}" is not an amount; write dollars with up to six decimals, such as "12.50"`);
  }
  const [, dollars = '0', decimals = ''] = match;
  return whole(Number(dollars) * MICROS_PER_DOLLAR + Number(decimals.padEnd(6, '0')), field);
}

/**
 * The API's decimal string: at least two decimals, no trailing zeros beyond
 * them. Throws InvalidMoney for amounts the API cannot carry (negative, a billion and more).
 */
export function formatMoney(amount: MicroUsd, field = 'amount'): string {
  if (amount < 0) throw new InvalidMoney(field, 'an amount cannot be negative');
  if (amount > LARGEST) throw new InvalidMoney(field, 'the amount is too large');
  const digits = String(amount).padStart(7, '0');
  const decimals = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${digits.slice(0, -6)}.${decimals}`;
}

/**
 * An amount for people: "$1,234.50", "-$3.00". Below ten cents two significant
 * digits are kept ("$0.0042"), so that a small price never reads as free.
 */
export function formatUsd(amount: MicroUsd): string {
  if (amount < 0) return `-${formatUsd(microUsd(0 - amount))}`;
  if (amount > 0 && amount < 99_500) {
    const step = 10 ** Math.max(0, String(amount).length - 2);
    return `$${formatMoney(microUsd(Math.round(amount / step) * step))}`;
  }
  const cents = (BigInt(amount) + 5_000n) / 10_000n;
  const dollars = (cents / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  return `$${dollars}.${(cents % 100n).toString().padStart(2, '0')}`;
}

/** Sum of amounts. */
export function addMoney(...amounts: readonly MicroUsd[]): MicroUsd {
  return amounts.reduce((sum, amount) => whole(sum + amount, 'sum'), zeroMoney);
}

/** a - b; negative where b is larger. */
export function subtractMoney(a: MicroUsd, b: MicroUsd): MicroUsd {
  return whole(a - b, 'difference');
}

/** The smallest of the amounts. */
export function minMoney(first: MicroUsd, ...rest: readonly MicroUsd[]): MicroUsd {
  return microUsd(Math.min(first, ...rest));
}

/** The largest of the amounts. */
export function maxMoney(first: MicroUsd, ...rest: readonly MicroUsd[]): MicroUsd {
  return microUsd(Math.max(first, ...rest));
}

/** amount x numerator / denominator in integers. Costs use the default, 'up'; what may be spent uses 'down'. */
export function mulRatio(
  amount: MicroUsd,
  numerator: number | bigint,
  denominator: number | bigint,
  rounding: 'up' | 'down' = 'up',
): MicroUsd {
  if (denominator <= 0) throw new InvalidMoney('ratio', `the denominator ${denominator} is not positive`);
  const by = Number(numerator);
  const per = Number(denominator);
  const product = amount * by;
  // Nearly always all of it is whole and small enough to be exact, which is many times faster than big integers.
  if (Number.isSafeInteger(product) && Number.isInteger(by) && Number.isSafeInteger(per)) {
    const rest = product % per;
    const towardsZero = (product - rest) / per;
    return whole(towardsZero + (rounding === 'up' ? Number(rest > 0) : -Number(rest < 0)), 'product');
  }
  const top = BigInt(amount) * BigInt(numerator);
  const bottom = BigInt(denominator);
  const floor = top >= 0n ? top / bottom : -((-top + bottom - 1n) / bottom);
  return whole(Number(rounding === 'up' && floor * bottom !== top ? floor + 1n : floor), 'product');
}

/** percent % of an amount, rounded up; percent is a whole number. */
export function percentOf(amount: MicroUsd, percent: number): MicroUsd {
  return mulRatio(amount, percent, 100);
}

/** Cost of `milliseconds` at a price per hour, rounded up. A begun millisecond counts as a whole one. */
export function costOver(pricePerHour: MicroUsd, milliseconds: number): MicroUsd {
  return mulRatio(pricePerHour, Math.ceil(milliseconds), MS_PER_HOUR);
}

/** The milliseconds that `amount` pays for at a price per hour, rounded down; Infinity when it is free. */
export function millisecondsFor(amount: MicroUsd, pricePerHour: MicroUsd): number {
  if (pricePerHour === 0) return Number.POSITIVE_INFINITY;
  return Number((BigInt(amount) * BigInt(MS_PER_HOUR)) / BigInt(pricePerHour));
}

/** Of whole numbers, those above 2^53 are no longer exact. */
function whole(value: number, field: string): MicroUsd {
  if (!Number.isSafeInteger(value)) throw new InvalidMoney(field, 'the amount is too large');
  // There is no negative zero in money.
  return (value + 0) as MicroUsd;
}
