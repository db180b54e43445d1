/**
 * The two ends of a ring client's messages: integers scaled, masked, cut and packed; and packed residues restored, unmasked
 * and scaled down to accumulators. One pass each, for one prime. Part of the module of ring.ts. No branch and no address
 * depends on what is secret (messages, masks, decrypted sums); what travels is public, and is compared with its bound.
 */

import { multiplyHigh, reduceOnce } from './wide';

// How messages are scaled under a prime, 64-bit words: see ../client/messageCoder.ts, which writes it.
const PRIME: usize = 0;
const PLAIN: usize = 8;
const PLAIN_RATIO: usize = 16;
const OFFSET: usize = 24;
const DELTA: usize = 32;
const DELTA_QUOTIENT: usize = 40;
const REST: usize = 48;
const REST_QUOTIENT: usize = 56;
const PRIME_RATIO: usize = 64;
const IS_ALONE: usize = 72;
const SCALE: usize = 80;

/** -1 where x >= y, else 0; both below 2^63. */
// @ts-ignore: decorator
@inline
function reaches(x: u64, y: u64): u64 {
  return ~(<u64>(<i64>(x - y) >> 63));
}

// @ts-ignore: decorator
@inline
function loadMask(masks: usize, index: usize, isWide: bool): u64 {
  return isWide ? load<u64>(masks + (index << 3)) : <u64>load<u32>(masks + (index << 2));
}

/**
 * floor((q m + floor((t + 1) / 2)) / t) modulo the prime, for m = value modulo t: SEAL's scaling. With q = delta t + rest it
 * is delta m + floor((rest m + floor((t + 1) / 2)) / t).
 */
// @ts-ignore: decorator
@inline
function scaled(value: f64, scaling: usize): u64 {
  const p = load<u64>(scaling, PRIME);
  const t = load<u64>(scaling, PLAIN);
  // A multiple of t above minus the smallest value: what is reduced is not negative.
  const positive = <u64>(<i64>value + load<i64>(scaling, OFFSET));
  const m = reduceOnce(positive - multiplyHigh(positive, load<u64>(scaling, PLAIN_RATIO)) * t, t);
  const rest = load<u64>(scaling, REST);
  const estimate = multiplyHigh(m, load<u64>(scaling, REST_QUOTIENT));
  let fraction = estimate;
  let left = m * rest - estimate * t;
  const over = reaches(left, t);
  fraction -= over;
  left -= t & over;
  fraction -= reaches(left + ((t + 1) >> 1), t);
  const delta = load<u64>(scaling, DELTA);
  // With one prime the sum is below q.
  if (load<u64>(scaling, IS_ALONE) !== 0) return delta * m + fraction;
  const main = reduceOnce(m * delta - multiplyHigh(m, load<u64>(scaling, DELTA_QUOTIENT)) * p, p);
  const ratio = load<u64>(scaling, PRIME_RATIO);
  const small = reduceOnce(fraction - multiplyHigh(fraction, ratio) * p, p);
  return reduceOnce(main + small, p);
}

/**
 * Packs mask + scaled value + rounding modulo the prime, cut by `dropped` bits, for `count` coefficients (packing.ts says how
 * bits lie), from bit `startBit` after `to` on.
 * @param values 64-bit floats
 */
export function encode(
  values: usize,
  masks: usize,
  isWide: bool,
  count: i32,
  scaling: usize,
  rounding: u64,
  dropped: i32,
  bits: i32,
  to: usize,
  startBit: i32,
): void {
  const prime = load<u64>(scaling, PRIME);
  to += <usize>(startBit >>> 6) << 3;
  let used = startBit & 63;
  let pending: u64 = used === 0 ? 0 : load<u64>(to) & ((<u64>1 << used) - 1);
  for (let index: usize = 0; index < <usize>count; index++) {
    const message = scaled(load<f64>(values + (index << 3)), scaling);
    const masked = reduceOnce(message + loadMask(masks, index, isWide), prime);
    const word = reduceOnce(masked + rounding, prime) >>> dropped;
    pending |= word << used;
    used += bits;
    if (used >= 64) {
      store<u64>(to, pending);
      to += 8;
      used -= 64;
      pending = used === 0 ? 0 : word >>> (bits - used);
    }
  }
  store<u64>(to, pending);
}

/**
 * Reads `count` packed residues from bit `startBit` on, restores what was cut, adds the masks, and writes the sums modulo the
 * prime to `words`. Gives the index of the first residue above `largest`, after which nothing is written, or -1.
 */
export function unmask(
  from: usize,
  startBit: i32,
  masks: usize,
  isWide: bool,
  count: i32,
  dropped: i32,
  bits: i32,
  largest: u64,
  half: u64,
  prime: u64,
  words: usize,
): i32 {
  from += <usize>(startBit >>> 6) << 3;
  let used = startBit & 63;
  let current = load<u64>(from);
  const cut: u64 = (<u64>1 << bits) - 1;
  for (let index: usize = 0; index < <usize>count; index++) {
    let value = current >>> used;
    used += bits;
    if (used >= 64) {
      from += 8;
      used -= 64;
      current = load<u64>(from);
      if (used > 0) value |= current << (bits - used);
    }
    value &= cut;
    if (value > largest) return <i32>index;
    const restored = reduceOnce((value << dropped) + half, prime);
    store<u64>(words + (index << 3), reduceOnce(restored + loadMask(masks, index, isWide), prime));
  }
  return -1;
}

/**
 * floor((t x + floor(q / 2)) / q) modulo t for one prime q, then its distance from the window's base plus the window's low
 * end, as 64-bit floats. t < 2^50: the quotient's estimate is off by one at most.
 */
export function scaleDown(
  words: usize,
  count: i32,
  scaling: usize,
  base: u64,
  low: f64,
  values: usize,
): void {
  const q = load<u64>(scaling, PRIME);
  const t = load<u64>(scaling, PLAIN);
  const scale = load<f64>(scaling, SCALE);
  const half = q >> 1;
  for (let index: usize = 0; index < <usize>count; index++) {
    const x = load<u64>(words + (index << 3));
    let y = <u64>(<i64>(<f64>(<i64>x) * scale));
    // The true remainder lies in [-q, 2q): 64 bits hold it, whatever wraps on the way.
    const rest = <i64>(t * x + half - y * q);
    y += <u64>(rest >> 63);
    y -= <u64>((<i64>(q - 1) - rest) >> 63);
    y -= t & reaches(y, t);
    const distance = <i64>(y - base);
    const inWindow = distance + <i64>(t & <u64>(distance >> 63));
    store<f64>(values + (index << 3), <f64>inWindow + low);
  }
}

/** The largest |[t x]_q| around 0 for one prime q: t times the noise of each sum. t < 2^50. */
export function largestNoise(words: usize, count: i32, scaling: usize): u64 {
  const q = load<u64>(scaling, PRIME);
  const t = load<u64>(scaling, PLAIN);
  const scale = load<f64>(scaling, SCALE);
  const half = q >> 1;
  let largest: u64 = 0;
  for (let index: usize = 0; index < <usize>count; index++) {
    const x = load<u64>(words + (index << 3));
    let rest = t * x + half - <u64>(<i64>(<f64>(<i64>x) * scale)) * q;
    // In [-q, 2q): one step brings it into [0, q), and half below is the noise.
    rest += q & <u64>(<i64>rest >> 63);
    rest -= q & reaches(rest, q);
    const noise = <i64>(rest - half);
    const sign = noise >> 63;
    const size = <u64>((noise ^ sign) - sign);
    const isLarger = reaches(size, largest + 1);
    largest = (size & isLarger) | (largest & ~isLarger);
  }
  return largest;
}
