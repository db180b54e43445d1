/**
 * Residues of coefficients modulo q, a product of primes, to their mixed-radix digits and back, one pair of primes at a time
 * (../wire/coefficients.ts says which follow which). Part of the modules of packing.ts, direct.ts
 * and ring.ts. What goes through here travels: it is public.
 */

import { modulo, multiplyHigh, reduceOnce } from './wide';

// @ts-ignore: decorator
@inline
function offset(positions: usize, index: i32): usize {
  const at = positions === 0 ? <usize>index : <usize>load<u32>(positions + ((<usize>index) << 2));
  return at << 3;
}

/** x * w modulo p for every x of 64 bits; quotient = floor(w 2^64 / p). p < 2^63. */
// @ts-ignore: decorator
@inline
function product(x: u64, w: u64, quotient: u64, p: u64): u64 {
  return reduceOnce(x * w - multiplyHigh(x, quotient) * p, p);
}

/**
 * words = (words - lower) * inverse modulo the prime. `lower` are digits of another prime, whose inverse it is; both below 2^63.
 * @param ratio floor(2^64 / prime)
 * @param quotient floor(inverse 2^64 / prime)
 */
export function toDigits(
  words: usize,
  lower: usize,
  positions: usize,
  count: i32,
  prime: u64,
  ratio: u64,
  inverse: u64,
  quotient: u64,
): void {
  for (let index = 0; index < count; index++) {
    const at = offset(positions, index);
    const difference = load<u64>(words + at) + prime - modulo(load<u64>(lower + at), prime, ratio);
    store<u64>(words + at, product(difference, inverse, quotient, prime));
  }
}

/**
 * words = words * factor + lower modulo the prime: what `toDigits` undid. `factor` is the other prime modulo this one.
 * @param ratio floor(2^64 / prime)
 * @param quotient floor(factor 2^64 / prime)
 */
export function fromDigits(
  words: usize,
  lower: usize,
  positions: usize,
  count: i32,
  prime: u64,
  ratio: u64,
  factor: u64,
  quotient: u64,
): void {
  for (let index = 0; index < count; index++) {
    const at = offset(positions, index);
    const grown = product(load<u64>(words + at), factor, quotient, prime);
    store<u64>(words + at, reduceOnce(grown + modulo(load<u64>(lower + at), prime, ratio), prime));
  }
}
