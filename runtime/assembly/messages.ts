/**
 * The two ends of a ring client's messages, around packing.ts: integers scaled and masked; and residues unmasked and scaled
 * down to accumulators. Each for one prime. Part of the module of ring.ts. No branch and no address depends on what is
 * secret (messages, masks, decrypted sums).
 */

import { reduceOnce } from './wide';

// How messages are scaled under a prime, 64-bit words: see ../ring/scaling.ts, which writes it.
export const PRIME: usize = 0;
export const PLAIN: usize = 8;
const ORIGIN: usize = 16;
const FIRST: usize = 24;
const DELTA: usize = 32;
const FRACTION: usize = 40;
const FRACTION_START: usize = 48;
const TURNS: usize = 56;
const TURNS_SHIFT: usize = 64;
export const FACTOR: usize = 72;
export const FACTOR_START: usize = 80;
const SCALE: usize = 88;
const REST: usize = 96;
const START: usize = 104;
const IS_ESTIMATE: usize = 112;

/** Added to an integer of [0, 2^52), it makes that integer the low bits of a double. */
const MAGIC: f64 = 4503599627370496;
const MAGIC_BITS: u64 = 0x4330000000000000;
/** Below it `scaleDown` needs no estimate. */
const NARROW_LIMIT: u64 = 0x80000000;

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
 * floor((factor x + start) / 2^64) for x below 2^32, factor and start of 64 bits, where the result is below 2^32.
 *
 * With factor = ceil(a 2^64 / d) and start = ceil(b 2^64 / d) it is floor((a x + b) / d) where (x + 1) d <= 2^64: the sum
 * is too large by less than (x + 1) / 2^64 <= 1 / d, and (a x + b) / d is a multiple of 1 / d, so no integer lies between. For every
 * x < 2^32 it is that or one more.
 */
// @ts-ignore: decorator
@inline
function quotientOf(x: u64, factor: u64, start: u64): u64 {
  // The low product is at most (2^32 - 1)^2, so a half word more fits, and so it does with the high one.
  const low = x * (factor & 0xffffffff) + (start & 0xffffffff);
  return (x * (factor >> 32) + (start >> 32) + (low >> 32)) >> 32;
}

/**
 * A value v counts as u = v - lowest. What it is scaled to, floor((q v + h) / t) with h = floor((t + 1) / 2), SEAL's scaling,
 * is modulo the prime p
 *
 *     first + delta u + floor((rest u + start) / t)
 *
 * with q lowest + h = first t + start and q = delta t + rest, and first and delta taken modulo p; v and v + t give the
 * same modulo q. Let w = delta + rest / t < p and x = u w / p. `turns` is floor(2^shift w / p), and u < 2^shift, so that
 * u turns / 2^shift lies in (x - 1, x] and its floor k in (x - 2, x]. The sum without `first` lies in (u w - 1, u w + 1), so
 * it less k p is an integer in (-1, 2p + 1): in [0, 2p]. turns 2^(64 - shift) < 2^64 and u < 2^(64 - shift): no product wraps
 * that must not.
 *
 * Writes mask + scaled value + rounding modulo the prime to `words`, for `count` coefficients.
 * @param values 64-bit floats
 */
export function encode(
  values: usize,
  masks: usize,
  isWide: bool,
  count: i32,
  scaling: usize,
  rounding: u64,
  words: usize,
): void {
  const prime = load<u64>(scaling, PRIME);
  const origin = load<f64>(scaling, ORIGIN);
  const first = reduceOnce(load<u64>(scaling, FIRST) + rounding, prime);
  const delta = load<u64>(scaling, DELTA);
  const fraction = load<u64>(scaling, FRACTION);
  const fractionStart = load<u64>(scaling, FRACTION_START);
  const turns = load<u64>(scaling, TURNS);
  const turnsShift = load<u64>(scaling, TURNS_SHIFT);
  const t = load<u64>(scaling, PLAIN);
  const rest = load<u64>(scaling, REST);
  const start = load<u64>(scaling, START);
  // Public: how many values there may be.
  const isEstimate = load<u64>(scaling, IS_ESTIMATE) !== 0;
  for (let index: usize = 0; index < <usize>count; index++) {
    const u = reinterpret<u64>(load<f64>(values + (index << 3)) + origin) & 0xffffffff;
    let quotient = quotientOf(u, fraction, fractionStart);
    // The true remainder lies in [-t, t): its sign is right, whatever wraps on the way.
    if (isEstimate) quotient += <u64>(<i64>(rest * u + start - quotient * t) >> 63);
    const grown = delta * u + quotient;
    const scaled = grown - ((u * turns) >> turnsShift) * prime;
    // At most 2p + (p - 1) + (p - 1).
    const sum = reduceOnce(scaled + first + loadMask(masks, index, isWide), prime << 1);
    store<u64>(words + (index << 3), reduceOnce(sum, prime));
  }
}

/** Adds the masks to `count` words, modulo the prime, two at a time. */
export function addMasks(words: usize, masks: usize, isWide: bool, count: i32, prime: u64): void {
  const modulus = i64x2.splat(prime);
  const pairs = <usize>(count & ~1);
  for (let index: usize = 0; index < pairs; index += 2) {
    const at = words + (index << 3);
    const mask = isWide ? v128.load(masks + (index << 3)) : v128.load32x2_u(masks + (index << 2));
    const less = i64x2.sub(i64x2.add(v128.load(at), mask), modulus);
    v128.store(at, i64x2.add(less, v128.and(modulus, i64x2.shr_s(less, 63))));
  }
  if ((count & 1) === 0) return;
  const last = words + (pairs << 3);
  store<u64>(last, reduceOnce(load<u64>(last) + loadMask(masks, pairs, isWide), prime));
}

/**
 * floor((t x + floor(q / 2)) / q) for one prime q above t. Where q < 2^31 `quotientOf` gives it: (x + 1) q <= 2^64. Else
 * a double's estimate, rounded to the nearest, is off by one at most for t < 2^50.
 */
// @ts-ignore: decorator
@inline
function scaledDown(x: u64, scaling: usize, q: u64, t: u64): u64 {
  if (q < NARROW_LIMIT) return quotientOf(x, load<u64>(scaling, FACTOR), load<u64>(scaling, FACTOR_START));
  const estimate = reinterpret<u64>(<f64>(<i64>x) * load<f64>(scaling, SCALE) + MAGIC) - MAGIC_BITS;
  // The true remainder lies in [-q, 2q): 64 bits hold it, whatever wraps on the way.
  const rest = <i64>(t * x + (q >> 1) - estimate * q);
  return estimate + <u64>(rest >> 63) - <u64>((<i64>(q - 1) - rest) >> 63);
}

/**
 * What `scaledDown` gives, modulo t, then its distance from the window's base plus the window's low end, as 64-bit floats.
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
  for (let index: usize = 0; index < <usize>count; index++)
    store<f64>(values + (index << 3), inWindow(load<u64>(words + (index << 3)), scaling, q, t, base, low));
}

/** The accumulator of one sum below q. */
// @ts-ignore: decorator
@inline
function inWindow(x: u64, scaling: usize, q: u64, t: u64, base: u64, low: f64): f64 {
  let y = scaledDown(x, scaling, q, t);
  y -= t & reaches(y, t);
  const distance = <i64>(y - base);
  return <f64>(distance + <i64>(t & <u64>(distance >> 63))) + low;
}

/** What `unpack`, `addMasks` and `scaleDown` give for one packed value. */
export function scaleDownOne(
  value: u64,
  dropped: i32,
  half: u64,
  mask: u64,
  scaling: usize,
  base: u64,
  low: f64,
): f64 {
  const q = load<u64>(scaling, PRIME);
  const restored = reduceOnce((value << dropped) + half, q);
  return inWindow(reduceOnce(restored + mask, q), scaling, q, load<u64>(scaling, PLAIN), base, low);
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
