import { greatestCommonDivisor } from '../../compiler/rings/primes.ts';
import type { Fraction } from '../../compiler/network/spec.ts';

/** An exact fraction in lowest terms; the denominator is positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const ONE: Rational = Object.freeze({ numerator: 1n, denominator: 1n });

export function rational(numerator: bigint, denominator: bigint): Rational {
  const size = numerator < 0n ? -numerator : numerator;
  const divisor = greatestCommonDivisor(size, denominator < 0n ? -denominator : denominator);
  const sign = denominator < 0n ? -1n : 1n;
  return divisor === 0n
    ? { numerator: 0n, denominator: 1n }
    : { numerator: (sign * numerator) / divisor, denominator: (sign * denominator) / divisor };
}

/**
 * The exact value of a finite double.
 * @throws RangeError for NaN and infinities, which importers refuse by name before
 */
export function rationalOf(value: number): Rational {
  if (!Number.isFinite(value)) throw new RangeError(`no fraction: ${value}`);
  let [scaled, power] = [value, 0];
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    power++;
  }
  return rational(BigInt(scaled), 1n << BigInt(power));
}

export function times(left: Rational, right: Rational): Rational {
  return rational(left.numerator * right.numerator, left.denominator * right.denominator);
}

export function over(left: Rational, right: Rational): Rational {
  return rational(left.numerator * right.denominator, left.denominator * right.numerator);
}

const bitsOf = (value: bigint): number => value.toString(2).length;

/** Bits of a quotient before it is rounded to the 53 of a double; the lowest one says whether more follow. */
const QUOTIENT_BITS = 64;

/** The nearest double, however many digits the fraction has; 0 or an infinity beyond what doubles reach. */
export function toNumber({ numerator, denominator }: Rational): number {
  const isNegative = numerator < 0n;
  const size = isNegative ? -numerator : numerator;
  if (size === 0n) return 0;
  const shift = QUOTIENT_BITS - (bitsOf(size) - bitsOf(denominator));
  const [over_, under] =
    shift > 0 ? [size << BigInt(shift), denominator] : [size, denominator << BigInt(-shift)];
  const rest = over_ % under === 0n ? 0n : 1n;
  const quotient = Number(((over_ / under) << 1n) | rest);
  // In two steps: the power alone may be out of reach where the result is not.
  const half = Math.trunc((shift + 1) / 2);
  const value = quotient * 2 ** -half * 2 ** (half - shift - 1);
  return isNegative ? -value : value;
}

/** The fraction that `toFraction` wrote. */
export function fromFraction({ numerator, denominator }: Fraction): Rational {
  return rational(BigInt(numerator), BigInt(denominator));
}

export function toFraction({ numerator, denominator }: Rational): Fraction {
  return { numerator: String(numerator), denominator: String(denominator) };
}
