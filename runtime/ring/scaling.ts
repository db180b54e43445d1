import { internalError } from '../../compiler/base/errors.ts';
import { bitLength } from '../../compiler/base/interval.ts';
import type { Interval } from '../../compiler/base/interval.ts';

/**
 * What an encryption adds to c0 for a message m in [0, t): q m / t rounded as SEAL rounds it, floor((q m + floor((t + 1) /
 * 2)) / t) (multiply_add_plain_with_scaling_variant). The constants with which runtime/assembly/messages.ts computes it, and
 * what undoes it, in exact integers.
 */

const WORD = 1n << 64n;
/** Input values, counted from the lowest, have at most so many bits. */
const MOST_VALUE_BITS = 32;
const MAGIC = 2 ** 52;
/** Bytes of the constants of one prime. */
export const SCALING_BYTES = 128;
/** Below it a double's estimate of t x / q is off by one at most. */
const LARGEST_SCALED_PLAIN = 2 ** 50;

/**
 * The constants of one of the primes of q, in the order in which the assembly reads them.
 * @param values the integers that will be encrypted
 */
export function writeScaling(
  view: DataView,
  { prime, primes, plainModulus }: ScaledPrime,
  values: Interval,
): void {
  const q = primes.reduce((product, each) => product * each, 1n);
  const t = BigInt(plainModulus);
  const count = BigInt(values.hi) - BigInt(values.lo) + 1n;
  const valueBits = Math.max(1, bitLength(count - 1n));
  if (valueBits > MOST_VALUE_BITS) throw internalError(`no scaling of ${count} values`);
  const start = q * BigInt(values.lo) + (t + 1n) / 2n;
  const startRest = modulo(start, t);
  const delta = (q / t) % prime;
  const rest = q % t;
  const shift = BigInt(64 - valueBits);
  const isAlone = primes.length === 1;
  view.setBigUint64(0, prime, true);
  view.setBigUint64(8, t, true);
  view.setFloat64(16, MAGIC - values.lo, true);
  const words = [
    modulo((start - startRest) / t, prime),
    delta,
    ceilDivide(rest * WORD, t),
    ceilDivide(startRest * WORD, t),
    ((delta * t + rest) << shift) / (t * prime),
    shift,
    // Read for one prime only; t below it makes them 64 bits.
    isAlone && t < prime ? ceilDivide(t * WORD, prime) : 0n,
    isAlone ? ceilDivide((prime / 2n) * WORD, prime) : 0n,
  ];
  words.forEach((word, index) => {
    view.setBigUint64(24 + 8 * index, word, true);
  });
  view.setFloat64(88, plainModulus / Number(prime), true);
  view.setBigUint64(96, rest, true);
  view.setBigUint64(104, startRest, true);
  view.setBigUint64(112, count * t > WORD ? 1n : 0n, true);
}

function modulo(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus;
}

function ceilDivide(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

/** A prime of the coefficient modulus, with all of them and t. */
export interface ScaledPrime {
  readonly prime: bigint;
  readonly primes: readonly bigint[];
  readonly plainModulus: number;
}

/** Whether the assembly scales down; otherwise `scaleDownExactly` does. */
export function scalesInLanes(primes: readonly bigint[], plainModulus: number): boolean {
  return primes.length === 1 && plainModulus < LARGEST_SCALED_PLAIN;
}

/** floor((t x + floor(q / 2)) / q) modulo t, and the noise [t x]_q around 0, for x below q. */
export function scaleDownExactly(x: bigint, q: bigint, t: bigint): { residue: bigint; noise: bigint } {
  const sum = t * x + q / 2n;
  return { residue: (sum / q) % t, noise: (sum % q) - q / 2n };
}

/** For each prime the integer below q that is 1 modulo it and 0 modulo the others. */
export function crtBasis(
  primes: readonly bigint[],
  inverse: (value: bigint, prime: bigint) => bigint,
): bigint[] {
  const q = primes.reduce((product, prime) => product * prime, 1n);
  return primes.map((prime) => (q / prime) * inverse((q / prime) % prime, prime));
}
