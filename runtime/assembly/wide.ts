/**
 * Products with a ternary key modulo a prime p of up to 60 bits, from products modulo lane primes below 2^31. The centred
 * integer product is at most N (p - 1) / 2, so its residues modulo two or three lane primes give it back (Garner's mixed
 * radix digits), and it is reduced modulo p. Also what surrounds products: keys, masks, gathering. Part of the module of
 * ring.ts. Scalar, but as there no branch and no address depends on a value: choices are masks.
 *
 * A prime's record, 64-bit words: see ../ring/lanePrimes.ts, which writes it.
 */

const PRIME: usize = 0;
const HALF: usize = 8;
const RATIO: usize = 16;
const PRODUCT: usize = 24;
const PAIR: usize = 32;
const PAIR_QUOTIENT: usize = 40;
const LANE_1: usize = 48;
const LANE_2: usize = 56;
const LANE_3: usize = 64;
const INVERSE_2: usize = 72;
const INVERSE_2_QUOTIENT: usize = 80;
const INVERSE_3: usize = 88;
const INVERSE_3_QUOTIENT: usize = 96;
const LANE_1_IN_3: usize = 104;
const LANE_1_IN_3_QUOTIENT: usize = 112;

/** High half of a product. */
// @ts-ignore: decorator
@inline
export function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/** x or x - p, whichever lies in [0, p); x < 2p < 2^63. */
// @ts-ignore: decorator
@inline
export function reduceOnce(x: u64, p: u64): u64 {
  const less = x - p;
  return less + (p & <u64>(<i64>less >> 63));
}

/** x modulo p for every x below 2^63; ratio = floor(2^64 / p). */
// @ts-ignore: decorator
@inline
export function modulo(x: u64, p: u64, ratio: u64): u64 {
  return reduceOnce(x - multiplyHigh(x, ratio) * p, p);
}

/** x * w modulo p < 2^31, x < 2^32; quotient = floor(w 2^32 / p). */
// @ts-ignore: decorator
@inline
function product32(x: u64, w: u64, quotient: u64, p: u64): u64 {
  return reduceOnce(x * w - ((x * quotient) >> 32) * p, p);
}

/** x - y modulo p, both below 2p for x and below p for y; p < 2^62. */
// @ts-ignore: decorator
@inline
function difference64(x: u64, y: u64, p: u64): u64 {
  const less = x - y;
  return less + (p & <u64>(<i64>less >> 63));
}

/**
 * The residues below p in `words`, centred, modulo a lane prime.
 * @param ratio floor(2^64 / lanePrime)
 * @param primeInLane p modulo the lane prime
 */
export function toLane(
  words: usize,
  values: usize,
  degree: i32,
  record: usize,
  lanePrime: u64,
  ratio: u64,
  primeInLane: u64,
): void {
  const half = load<u64>(record, HALF);
  for (let index: usize = 0; index < <usize>degree; index++) {
    const word = load<u64>(words + (index << 3));
    const isNegative = <u64>(<i64>(half - word) >> 63);
    const rest = modulo(word, lanePrime, ratio);
    store<u32>(values + (index << 2), <u32>difference64(rest, primeInLane & isNegative, lanePrime));
  }
}

/** The same for p < 2^31, which is its own lane prime: the low halves. */
export function narrowWords(words: usize, values: usize, degree: i32): void {
  for (let index: usize = 0; index < <usize>degree; index += 4) {
    const low = v128.load(words + (index << 3));
    const high = v128.load(words + (index << 3), 16);
    v128.store(values + (index << 2), i32x4.shuffle(low, high, 0, 2, 4, 6));
  }
}

/** Back: 32-bit residues to 64-bit words. */
export function widenValues(values: usize, words: usize, degree: i32): void {
  for (let index: usize = 0; index < <usize>degree; index += 4) {
    const value = v128.load(values + (index << 2));
    v128.store(words + (index << 3), i64x2.extend_low_i32x4_u(value));
    v128.store(words + (index << 3), i64x2.extend_high_i32x4_u(value), 16);
  }
}

/** The centred integer with the residues at `first` and `second`, modulo p, to `words`. */
export function joinTwo(first: usize, second: usize, words: usize, degree: i32, record: usize): void {
  const p = load<u64>(record, PRIME);
  const ratio = load<u64>(record, RATIO);
  const product = load<u64>(record, PRODUCT);
  const p1 = load<u64>(record, LANE_1);
  const p2 = load<u64>(record, LANE_2);
  const inverse = load<u64>(record, INVERSE_2);
  const quotient = load<u64>(record, INVERSE_2_QUOTIENT);
  const middle = p2 >> 1;
  for (let index: usize = 0; index < <usize>degree; index++) {
    const x1 = <u64>load<u32>(first + (index << 2));
    const x2 = <u64>load<u32>(second + (index << 2));
    // p1 < 2 p2: once is enough.
    const digit = product32(difference64(x2, reduceOnce(x1, p2), p2), inverse, quotient, p2);
    const isNegative = <u64>(<i64>(middle - digit) >> 63);
    const rest = modulo(x1 + p1 * digit, p, ratio);
    store<u64>(words + (index << 3), difference64(rest, product & isNegative, p));
  }
}

/** The same with three lane primes. */
export function joinThree(
  first: usize,
  second: usize,
  third: usize,
  words: usize,
  degree: i32,
  record: usize,
): void {
  const p = load<u64>(record, PRIME);
  const ratio = load<u64>(record, RATIO);
  const product = load<u64>(record, PRODUCT);
  const pair = load<u64>(record, PAIR);
  const pairQuotient = load<u64>(record, PAIR_QUOTIENT);
  const p1 = load<u64>(record, LANE_1);
  const p2 = load<u64>(record, LANE_2);
  const p3 = load<u64>(record, LANE_3);
  const inverse2 = load<u64>(record, INVERSE_2);
  const quotient2 = load<u64>(record, INVERSE_2_QUOTIENT);
  const inverse3 = load<u64>(record, INVERSE_3);
  const quotient3 = load<u64>(record, INVERSE_3_QUOTIENT);
  const p1In3 = load<u64>(record, LANE_1_IN_3);
  const p1In3Quotient = load<u64>(record, LANE_1_IN_3_QUOTIENT);
  const middle = p3 >> 1;
  for (let index: usize = 0; index < <usize>degree; index++) {
    const x1 = <u64>load<u32>(first + (index << 2));
    const x2 = <u64>load<u32>(second + (index << 2));
    const x3 = <u64>load<u32>(third + (index << 2));
    const digit2 = product32(difference64(x2, reduceOnce(x1, p2), p2), inverse2, quotient2, p2);
    const without1 = difference64(x3, reduceOnce(x1, p3), p3);
    const without2 = difference64(without1, product32(digit2, p1In3, p1In3Quotient, p3), p3);
    const digit3 = product32(without2, inverse3, quotient3, p3);
    const isNegative = <u64>(<i64>(middle - digit3) >> 63);
    const low = modulo(x1 + p1 * digit2, p, ratio);
    const high = reduceOnce(digit3 * pair - multiplyHigh(digit3, pairQuotient) * p, p);
    const rest = reduceOnce(low + high, p);
    store<u64>(words + (index << 3), difference64(rest, product & isNegative, p));
  }
}

/** Small signed coefficients modulo a lane prime. */
export function liftSmall(small: usize, values: usize, degree: i32, prime: u32): void {
  const q = i32x4.splat(prime);
  const bytes = <usize>degree << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const value = v128.load(small + at);
    v128.store(values + at, i32x4.min_u(value, i32x4.add(value, q)));
  }
}

/**
 * A transformed key as `scale` takes it: divided by N, and the quotients floor(key 2^32 / p) after it.
 * @param inverse 1/N modulo the prime; `quotient` floor(inverse 2^32 / p); `ratio` floor(2^64 / p)
 */
export function storeKey(
  values: usize,
  key: usize,
  degree: i32,
  prime: u64,
  inverse: u64,
  quotient: u64,
  ratio: u64,
): void {
  const quotients = key + (<usize>degree << 2);
  for (let index: usize = 0; index < <usize>degree; index++) {
    const value = product32(<u64>load<u32>(values + (index << 2)), inverse, quotient, prime);
    const shifted = value << 32;
    const estimate = multiplyHigh(shifted, ratio);
    const isShort = (<i64>(prime - 1 - (shifted - estimate * prime)) >> 63) & 1;
    store<u32>(key + (index << 2), <u32>value);
    store<u32>(quotients + (index << 2), <u32>(estimate + <u64>isShort));
  }
}

/** `count` words at `positions` (0: all from 0 on) as 32 or 64 bits each, back to back. */
export function gather(words: usize, positions: usize, count: i32, to: usize, isWide: bool): void {
  for (let index: usize = 0; index < <usize>count; index++) {
    const at = positions === 0 ? index : <usize>load<u32>(positions + (index << 2));
    const word = load<u64>(words + (at << 3));
    if (isWide) store<u64>(to + (index << 3), word);
    else store<u32>(to + (index << 2), <u32>word);
  }
}

/** The same of -(words + errors), for small signed errors. */
export function gatherMasks(
  words: usize,
  smallErrors: usize,
  positions: usize,
  count: i32,
  to: usize,
  prime: u64,
  isWide: bool,
): void {
  for (let index: usize = 0; index < <usize>count; index++) {
    const at = positions === 0 ? index : <usize>load<u32>(positions + (index << 2));
    const error = <i64>load<i32>(smallErrors + (at << 2));
    const lifted = <u64>error + (prime & <u64>(error >> 63));
    const sum = reduceOnce(load<u64>(words + (at << 3)) + lifted, prime);
    // prime - 0 is prime: one more reduction.
    const mask = reduceOnce(prime - sum, prime);
    if (isWide) store<u64>(to + (index << 3), mask);
    else store<u32>(to + (index << 2), <u32>mask);
  }
}
