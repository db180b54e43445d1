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

/** The nearest double. */
export function toNumber({ numerator, denominator }: Rational): number {
  return Number(numerator) / Number(denominator);
}

export function toFraction({ numerator, denominator }: Rational): Fraction {
  return { numerator: String(numerator), denominator: String(denominator) };
}
