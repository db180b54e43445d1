/**
 * Decryption of responses under one prime q < 2^31, four coefficients at a time: what `unpack`, `addMasks` and `scaleDown`
 * give, in one pass. Part of the module of ring.ts. No branch and no address depends on what is secret.
 */

import { reduced } from './lanes';
import { scaleDownOne, FACTOR, FACTOR_START, PLAIN, PRIME } from './messages';

/** The `bits` low bits are the value at bit `bit` of a packed run; at most 25 are wanted. */
// @ts-ignore: decorator
@inline
function packedAt(from: usize, bit: u32): u32 {
  return load<u32>(from + <usize>(bit >>> 3)) >>> (bit & 7);
}

/** High words of two products of 64 bits with what is added to them: `quotientOf` of messages.ts. */
// @ts-ignore: decorator
@inline
function quotients(low: v128, high: v128, start: v128, startHigh: v128): v128 {
  const carried = i64x2.shr_u(i64x2.add(low, start), 32);
  return i64x2.add(i64x2.add(high, startHigh), carried);
}

/**
 * Reads `count` packed residues of at most 25 bits from bit `startBit` on, restores what was cut, adds the masks (32-bit
 * words), scales down and writes accumulators of a window as 64-bit floats. Gives the index of the first residue above
 * `largest`, when all that was written means nothing, or -1.
 */
export function decryptNarrow(
  from: usize,
  startBit: u32,
  masks: usize,
  count: i32,
  dropped: i32,
  bits: u32,
  largest: u32,
  half: u32,
  scaling: usize,
  base: u32,
  low: f64,
  values: usize,
): i32 {
  const q = load<u64>(scaling, PRIME);
  const t = load<u64>(scaling, PLAIN);
  const factor = load<u64>(scaling, FACTOR);
  const start = load<u64>(scaling, FACTOR_START);
  const cut: u32 = (<u32>1 << bits) - 1;
  const cuts = i32x4.splat(cut);
  const most = i32x4.splat(largest);
  const halves = i32x4.splat(half);
  const primes = i32x4.splat(<i32>q);
  const plains = i32x4.splat(<i32>t);
  const bases = i32x4.splat(base);
  const lows = f64x2.splat(low);
  const factorLow = i32x4.splat(<i32>factor);
  const factorHigh = i32x4.splat(<i32>(factor >> 32));
  const startLow = i64x2.splat(start & 0xffffffff);
  const startHigh = i64x2.splat(start >> 32);
  let above = i32x4.splat(0);
  let bit = startBit;
  let index: usize = 0;
  for (; index + 4 <= <usize>count; index += 4) {
    let x = i32x4.splat(packedAt(from, bit));
    x = i32x4.replace_lane(x, 1, packedAt(from, bit + bits));
    x = i32x4.replace_lane(x, 2, packedAt(from, bit + 2 * bits));
    x = i32x4.replace_lane(x, 3, packedAt(from, bit + 3 * bits));
    bit += bits << 2;
    x = v128.and(x, cuts);
    above = v128.or(above, i32x4.gt_u(x, most));
    x = reduced(i32x4.add(i32x4.shl(x, dropped), halves), primes);
    x = reduced(i32x4.add(x, v128.load(masks + (index << 2))), primes);
    const first = quotients(
      i64x2.extmul_low_i32x4_u(x, factorLow),
      i64x2.extmul_low_i32x4_u(x, factorHigh),
      startLow,
      startHigh,
    );
    const second = quotients(
      i64x2.extmul_high_i32x4_u(x, factorLow),
      i64x2.extmul_high_i32x4_u(x, factorHigh),
      startLow,
      startHigh,
    );
    const residues = reduced(i32x4.shuffle(first, second, 1, 3, 5, 7), plains);
    const distances = i32x4.sub(residues, bases);
    // Below the base it wraps, and is smaller once t is added.
    const inWindow = i32x4.min_u(distances, i32x4.add(distances, plains));
    const to = values + (index << 3);
    v128.store(to, f64x2.add(f64x2.convert_low_i32x4_s(inWindow), lows));
    const upper = i32x4.shuffle(inWindow, inWindow, 2, 3, 2, 3);
    v128.store(to, f64x2.add(f64x2.convert_low_i32x4_s(upper), lows), 16);
  }
  let isAbove = v128.any_true(above);
  for (; index < <usize>count; index++) {
    const value = packedAt(from, bit) & cut;
    bit += bits;
    isAbove = isAbove || value > largest;
    const mask = load<u32>(masks + (index << 2));
    store<f64>(values + (index << 3), scaleDownOne(value, dropped, half, mask, scaling, base, low));
  }
  return isAbove ? firstAbove(from, startBit, bits, largest) : -1;
}

/** There is one. */
function firstAbove(from: usize, startBit: u32, bits: u32, largest: u32): i32 {
  const cut: u32 = (<u32>1 << bits) - 1;
  let index: u32 = 0;
  while ((packedAt(from, startBit + index * bits) & cut) <= largest) index++;
  return <i32>index;
}
