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

/** A binary floating-point format. */
interface Format {
  /** Bits of a significand. */
  readonly precision: number;
  /** Exponent of the smallest positive value. */
  readonly least: number;
  /** Everything from 2^overflow on is infinite. */
  readonly overflow: number;
}

const FLOAT32: Format = { precision: 24, least: -149, overflow: 128 };
const FLOAT64: Format = { precision: 53, least: -1074, overflow: 1024 };

/** size / denominator, rounded once: to the nearest value of the format, half to even, subnormal ones included. */
function nearest(size: bigint, denominator: bigint, { precision, least, overflow }: Format): number {
  // 2^magnitude < size / denominator < 2^(magnitude + 2): one comparison tells which of the two powers it starts from.
  const magnitude = bitsOf(size) - bitsOf(denominator) - 1;
  const isLarger =
    magnitude + 1 >= 0
      ? size >= denominator << BigInt(magnitude + 1)
      : size << BigInt(-magnitude - 1) >= denominator;
  const exponent = Math.max(least, (isLarger ? magnitude + 1 : magnitude) - precision + 1);
  const [over_, under] =
    exponent > 0 ? [size, denominator << BigInt(exponent)] : [size << BigInt(-exponent), denominator];
  const down = over_ / under;
  const twice = 2n * (over_ % under);
  const isUp = twice > under || (twice === under && down % 2n === 1n);
  const significand = isUp ? down + 1n : down;
  if (bitsOf(significand) + exponent > overflow) return Infinity;
  // In two steps, each exact: the power alone may be out of reach where the result is not.
  const half = Math.trunc(exponent / 2);
  return Number(significand) * 2 ** half * 2 ** (exponent - half);
}

function rounded({ numerator, denominator }: Rational, format: Format): number {
  if (numerator === 0n) return 0;
  return numerator < 0n ? -nearest(-numerator, denominator, format) : nearest(numerator, denominator, format);
}

/** The nearest double, however many digits the fraction has; 0 or an infinity beyond what doubles reach. */
export function toNumber(value: Rational): number {
  return rounded(value, FLOAT64);
}

/** The nearest float32, in one rounding: by way of a double, some would be rounded twice. */
export function toFloat32(value: Rational): number {
  return rounded(value, FLOAT32);
}

/** The fraction that `toFraction` wrote. */
export function fromFraction({ numerator, denominator }: Fraction): Rational {
  return rational(BigInt(numerator), BigInt(denominator));
}

export function toFraction({ numerator, denominator }: Rational): Fraction {
  return { numerator: String(numerator), denominator: String(denominator) };
}
