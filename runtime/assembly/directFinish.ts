/** From the sums of a row's limbs to residues in [0, q): the last step of the direct kernel. AssemblyScript. */

import { FACTOR, INVERSE, MODULUS, SCALES, SHIFT, VALUE } from './directPrime';

/**
 * Residues in [0, q) of two sums V = wrapped (modulo 2^64), where approximate is V to within q/4: the quotient
 * round(approximate / q) is off by less than 3/4, so |V - quotient q| < q < 2^60 and 64 bits hold it exactly.
 */
// @ts-ignore: decorator
@inline
function reduceWrapped(wrapped: v128, approximate: v128, modulus: v128, inverse: v128): v128 {
  const quotient = f64x2.nearest(f64x2.mul(approximate, inverse));
  const integer = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(quotient));
  const rest = i64x2.sub(wrapped, i64x2.mul(integer, modulus));
  return i64x2.add(rest, v128.and(i64x2.lt_s(rest, i64x2.splat(0)), modulus));
}

/**
 * The same of two sums that doubles hold exactly, quotient q included: no 64-bit product. Adding 2^52 puts a residue
 * into the low bits of the double.
 */
// @ts-ignore: decorator
@inline
function reduceExact(sum: v128, modulus: v128, inverse: v128): v128 {
  const magic = f64x2.splat(4503599627370496.0);
  const quotient = f64x2.nearest(f64x2.mul(sum, inverse));
  const rest = f64x2.sub(sum, f64x2.mul(quotient, modulus));
  const residue = f64x2.add(rest, v128.and(f64x2.lt(rest, f64x2.splat(0)), modulus));
  return v128.xor(f64x2.add(residue, magic), magic);
}

/** Stores two residues, or adds them to those already there. */
// @ts-ignore: decorator
@inline
function put(residues: v128, to: usize, modulus: v128, accumulate: bool): void {
  if (accumulate) {
    const sum = i64x2.sub(i64x2.add(residues, v128.load(to)), modulus);
    residues = i64x2.add(sum, v128.and(i64x2.lt_s(sum, i64x2.splat(0)), modulus));
  }
  v128.store(to, residues);
}

/** Recombines the limbs of `vectors` x 4 positions (limb k at scratch + k * 128) and writes 64-bit words. */
// @ts-ignore: decorator
@inline
function finishWrapped(
  scratch: usize,
  vectors: i32,
  limbs: i32,
  limbBits: i32,
  to: usize,
  prime: usize,
  accumulate: bool,
): void {
  const modulus = v128.load64_splat(prime, MODULUS);
  const inverse = v128.load64_splat(prime, INVERSE);
  const factor0 = v128.load64_splat(prime, FACTOR);
  const shift0 = load<i32>(prime, SHIFT);
  for (let vector = 0; vector < vectors; vector++, scratch += 16, to += 32) {
    const first = v128.load(scratch);
    let v0 = i64x2.extend_low_i32x4_s(first);
    let v1 = i64x2.extend_high_i32x4_s(first);
    let f0 = f64x2.convert_low_i32x4_s(first);
    let f1 = f64x2.convert_low_i32x4_s(i64x2.shuffle(first, first, 1, 1));
    let scale = prime + SCALES + 8;
    let from = scratch + 128;
    for (let limb = 1, shift = limbBits; limb < limbs; limb++, shift += limbBits, scale += 8, from += 128) {
      const lanes = v128.load(from);
      const factor = v128.load64_splat(scale);
      v0 = i64x2.add(v0, i64x2.shl(i64x2.extend_low_i32x4_s(lanes), shift));
      v1 = i64x2.add(v1, i64x2.shl(i64x2.extend_high_i32x4_s(lanes), shift));
      f0 = f64x2.add(f0, f64x2.mul(f64x2.convert_low_i32x4_s(lanes), factor));
      f1 = f64x2.add(f1, f64x2.mul(f64x2.convert_low_i32x4_s(i64x2.shuffle(lanes, lanes, 1, 1)), factor));
    }
    v0 = i64x2.shl(v0, shift0);
    v1 = i64x2.shl(v1, shift0);
    f0 = f64x2.mul(f0, factor0);
    f1 = f64x2.mul(f1, factor0);
    put(reduceWrapped(v0, f0, modulus, inverse), to, modulus, accumulate);
    put(reduceWrapped(v1, f1, modulus, inverse), to + 16, modulus, accumulate);
  }
}

/** The same where every sum is exact in doubles. */
// @ts-ignore: decorator
@inline
function finishExact(
  scratch: usize,
  vectors: i32,
  limbs: i32,
  to: usize,
  prime: usize,
  accumulate: bool,
): void {
  const modulus = v128.load64_splat(prime, MODULUS);
  const value = v128.load64_splat(prime, VALUE);
  const inverse = v128.load64_splat(prime, INVERSE);
  const second = v128.load64_splat(prime, SCALES + 8);
  const factor0 = v128.load64_splat(prime, FACTOR);
  for (let vector = 0; vector < vectors; vector++, scratch += 16, to += 32) {
    let lanes = v128.load(scratch);
    let f0 = f64x2.convert_low_i32x4_s(lanes);
    let f1 = f64x2.convert_low_i32x4_s(i64x2.shuffle(lanes, lanes, 1, 1));
    if (limbs > 1) {
      lanes = v128.load(scratch, 128);
      f0 = f64x2.add(f0, f64x2.mul(f64x2.convert_low_i32x4_s(lanes), second));
      f1 = f64x2.add(f1, f64x2.mul(f64x2.convert_low_i32x4_s(i64x2.shuffle(lanes, lanes, 1, 1)), second));
    }
    for (let limb = 2; limb < limbs; limb++) {
      const factor = v128.load64_splat(prime + SCALES + ((<usize>limb) << 3));
      lanes = v128.load(scratch + ((<usize>limb) << 7));
      f0 = f64x2.add(f0, f64x2.mul(f64x2.convert_low_i32x4_s(lanes), factor));
      f1 = f64x2.add(f1, f64x2.mul(f64x2.convert_low_i32x4_s(i64x2.shuffle(lanes, lanes, 1, 1)), factor));
    }
    put(reduceExact(f64x2.mul(f0, factor0), value, inverse), to, modulus, accumulate);
    put(reduceExact(f64x2.mul(f1, factor0), value, inverse), to + 16, modulus, accumulate);
  }
}

/** Recombines the limbs of one row, by the way that `exact` allows. */
// @ts-ignore: decorator
@inline
export function finish(
  scratch: usize,
  vectors: i32,
  limbs: i32,
  limbBits: i32,
  to: usize,
  prime: usize,
  exact: bool,
  accumulate: bool,
): void {
  if (exact) finishExact(scratch, vectors, limbs, to, prime, accumulate);
  else finishWrapped(scratch, vectors, limbs, limbBits, to, prime, accumulate);
}
