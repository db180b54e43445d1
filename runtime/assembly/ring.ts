/**
 * Arithmetic in Z_q[X] / (X^N + 1) for a prime q < 2^31, q = 1 mod 2N, in 32-bit SIMD lanes, and what a client draws at
 * random. AssemblyScript; `npm run build:kernel` compiles it into ../ring/ring.gen.ts. The module owns no data: JavaScript
 * lays out the memory and passes byte addresses. No branch and no address depends on a coefficient.
 *
 * Transforms: Longa and Naehrig, "Speeding up the Number Theoretic Transform" (2016), algorithms 1 and 2: natural order
 * in, bit-reversed order out, and back. Products with constants: Shoup's, with floor(w 2^32 / q) beside w (Harvey,
 * "Faster arithmetic for number-theoretic transforms", 2014): r = x w - floor(x w' / 2^32) q lies in [0, 2q) for every
 * x < 2^32, and 2q < 2^32.
 */

import { reduced } from './lanes';

export { addMasks, encode, largestNoise, scaleDown } from './messages';
export { decryptNarrow } from './narrow';
export { clearBytes, copyBytes, pack, unpack, valueAt } from './bits';
export { fromDigits, toDigits } from './digits';
export { chacha, errors, ternary, uniformWords } from './randomness';
export {
  gather,
  gatherMasks,
  joinThree,
  joinTwo,
  liftSmall,
  narrowWords,
  storeKey,
  toLane,
  widenValues,
} from './wide';

const STEP: usize = 16;

// @ts-ignore: decorator
@inline
function sum(x: v128, y: v128, q: v128): v128 {
  return reduced(i32x4.add(x, y), q);
}

/** x - y: where y is larger the difference wraps past 2^31, and the one with q added is smaller. */
// @ts-ignore: decorator
@inline
function difference(x: v128, y: v128, q: v128): v128 {
  const wrapped = i32x4.sub(x, y);
  return i32x4.min_u(wrapped, i32x4.add(wrapped, q));
}

/** x * w, lane by lane. */
// @ts-ignore: decorator
@inline
function product(x: v128, w: v128, quotient: v128, q: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(x, quotient);
  const high = i64x2.extmul_high_i32x4_u(x, quotient);
  const multiples = i32x4.shuffle(low, high, 1, 3, 5, 7);
  return reduced(i32x4.sub(i32x4.mul(x, w), i32x4.mul(multiples, q)), q);
}

/**
 * Coefficients to values, in place.
 * @param roots psi^i at the bit-reversed index of i, 32 bits each; `quotients` floor(root 2^32 / q)
 */
export function forward(
  values: usize,
  roots: usize,
  quotients: usize,
  degree: i32,
  prime: u32,
): void {
  const q = i32x4.splat(prime);
  let blocks = 1;
  for (let half = degree >> 1; half >= 4; half >>= 1) {
    const halfBytes = <usize>half << 2;
    let left = values;
    for (let block = 0; block < blocks; block++) {
      const at = <usize>(blocks + block) << 2;
      const w = v128.load32_splat(roots + at);
      const quotient = v128.load32_splat(quotients + at);
      const end = left + halfBytes;
      for (; left < end; left += STEP) {
        const a = v128.load(left);
        const b = product(v128.load(left + halfBytes), w, quotient, q);
        v128.store(left, sum(a, b, q));
        v128.store(left + halfBytes, difference(a, b, q));
      }
      left = end + halfBytes;
    }
    blocks <<= 1;
  }
  // The last two levels, distances 2 and 1, within eight coefficients.
  const pairs = roots + (<usize>(degree >> 2) << 2);
  const pairQuotients = quotients + (<usize>(degree >> 2) << 2);
  const ones = roots + (<usize>(degree >> 1) << 2);
  const oneQuotients = quotients + (<usize>(degree >> 1) << 2);
  for (let block: usize = 0; block < <usize>(degree >> 2); block += 2) {
    const at = values + (block << 4);
    const v0 = v128.load(at);
    const v1 = v128.load(at + STEP);
    const two = v128.load64_zero(pairs + (block << 2));
    const twoQuotients = v128.load64_zero(pairQuotients + (block << 2));
    const a = i32x4.shuffle(v0, v1, 0, 1, 4, 5);
    const b = product(
      i32x4.shuffle(v0, v1, 2, 3, 6, 7),
      i32x4.shuffle(two, two, 0, 0, 1, 1),
      i32x4.shuffle(twoQuotients, twoQuotients, 0, 0, 1, 1),
      q,
    );
    // Lanes 0 1 of both are the first block's left and right half, lanes 2 3 the second's.
    const left = sum(a, b, q);
    const right = difference(a, b, q);
    const c = i32x4.shuffle(left, right, 0, 4, 2, 6);
    const d = product(
      i32x4.shuffle(left, right, 1, 5, 3, 7),
      v128.load(ones + (block << 3)),
      v128.load(oneQuotients + (block << 3)),
      q,
    );
    const even = sum(c, d, q);
    const odd = difference(c, d, q);
    v128.store(at, i32x4.shuffle(even, odd, 0, 4, 1, 5));
    v128.store(at + STEP, i32x4.shuffle(even, odd, 2, 6, 3, 7));
  }
}

/** Values to coefficients times N, in place; whoever multiplies in between folds 1/N into a factor. Roots: of psi^-1. */
export function inverse(
  values: usize,
  roots: usize,
  quotients: usize,
  degree: i32,
  prime: u32,
): void {
  const q = i32x4.splat(prime);
  const pairs = roots + (<usize>(degree >> 2) << 2);
  const pairQuotients = quotients + (<usize>(degree >> 2) << 2);
  const ones = roots + (<usize>(degree >> 1) << 2);
  const oneQuotients = quotients + (<usize>(degree >> 1) << 2);
  for (let block: usize = 0; block < <usize>(degree >> 2); block += 2) {
    const at = values + (block << 4);
    const v0 = v128.load(at);
    const v1 = v128.load(at + STEP);
    const even = i32x4.shuffle(v0, v1, 0, 2, 4, 6);
    const odd = i32x4.shuffle(v0, v1, 1, 3, 5, 7);
    const c = sum(even, odd, q);
    const d = product(
      difference(even, odd, q),
      v128.load(ones + (block << 3)),
      v128.load(oneQuotients + (block << 3)),
      q,
    );
    // Back to the left and the right halves of both blocks.
    const left = i32x4.shuffle(c, d, 0, 4, 2, 6);
    const right = i32x4.shuffle(c, d, 1, 5, 3, 7);
    const two = v128.load64_zero(pairs + (block << 2));
    const twoQuotients = v128.load64_zero(pairQuotients + (block << 2));
    const a = sum(left, right, q);
    const b = product(
      difference(left, right, q),
      i32x4.shuffle(two, two, 0, 0, 1, 1),
      i32x4.shuffle(twoQuotients, twoQuotients, 0, 0, 1, 1),
      q,
    );
    v128.store(at, i32x4.shuffle(a, b, 0, 1, 4, 5));
    v128.store(at + STEP, i32x4.shuffle(a, b, 2, 3, 6, 7));
  }
  let blocks = degree >> 3;
  for (let half = 4; half < degree; half <<= 1) {
    const halfBytes = <usize>half << 2;
    let left = values;
    for (let block = 0; block < blocks; block++) {
      const at = <usize>(blocks + block) << 2;
      const w = v128.load32_splat(roots + at);
      const quotient = v128.load32_splat(quotients + at);
      const end = left + halfBytes;
      for (; left < end; left += STEP) {
        const a = v128.load(left);
        const b = v128.load(left + halfBytes);
        v128.store(left, sum(a, b, q));
        v128.store(left + halfBytes, product(difference(a, b, q), w, quotient, q));
      }
      left = end + halfBytes;
    }
    blocks >>= 1;
  }
}

/** values[i] *= factors[i], with `quotients` floor(factor 2^32 / q). */
export function scale(
  values: usize,
  factors: usize,
  quotients: usize,
  degree: i32,
  prime: u32,
): void {
  const q = i32x4.splat(prime);
  const bytes = <usize>degree << 2;
  for (let at: usize = 0; at < bytes; at += STEP) {
    v128.store(
      values + at,
      product(v128.load(values + at), v128.load(factors + at), v128.load(quotients + at), q),
    );
  }
}

/** sums[i] += values[i] * factors[i], with `quotients` floor(factor 2^32 / q). */
export function multiplyAdd(
  values: usize,
  factors: usize,
  quotients: usize,
  sums: usize,
  degree: i32,
  prime: u32,
): void {
  const q = i32x4.splat(prime);
  const bytes = <usize>degree << 2;
  for (let at: usize = 0; at < bytes; at += STEP) {
    const each = product(v128.load(values + at), v128.load(factors + at), v128.load(quotients + at), q);
    v128.store(sums + at, sum(v128.load(sums + at), each, q));
  }
}
