/**
 * The direct kernel: products of small sparse polynomials with ciphertext polynomials in Z_q[X]/(X^N + 1), by shifting
 * and adding raw coefficients. AssemblyScript; `npm run build:kernel` compiles it into *.gen.ts files of
 * ../evaluator/direct.
 *
 * The module owns no data: JavaScript lays out the memory (layout.ts there) and passes byte addresses. A plane is an
 * array of pairs of signed 16-bit digits, one pair a coefficient of two polynomials (of two input chunks, or of one and
 * its own shift); a coefficient c of a chunk is sum over k of digit_k * 2^(l k), with one set of planes a limb k.
 *
 * Lane arithmetic is modulo 2^32, so only the finished sum of a lane has to fit: the compiler has proved it
 * (compiler/toeplitz/direct/lanes.ts).
 */

import { finish } from './directFinish';
import { SPAN, HALF, BIAS } from './directPrime';

export { clearBytes, copyBytes, pack, unpack, valueAt } from './bits';
export { fromDigits, toDigits } from './digits';

/** Vectors of four positions that one pass of `lanes4` and `lanes1` covers. */
const POSITIONS_OF_FOUR: i32 = 8;
const POSITIONS_OF_ONE: i32 = 32;

/**
 * Centred coefficients plus bias, with a halo in front: target[halo + i] = c_i + bias and, because X^N = -1,
 * target[halo - k] = bias - c_(N-k). `degree` and `halo` are even, 0 <= halo <= degree.
 */
export function widen(words: usize, target: usize, degree: i32, halo: i32, prime: usize): void {
  const span = v128.load64_splat(prime, SPAN);
  const half = v128.load64_splat(prime, HALF);
  const bias = v128.load64_splat(prime, BIAS);
  let to = target + ((<usize>halo) << 3);
  let end = words + ((<usize>degree) << 3);
  for (let from = words; from < end; from += 16, to += 16) {
    const word = v128.load(from);
    const centred = i64x2.sub(word, v128.and(i64x2.gt_s(word, half), span));
    v128.store(to, i64x2.add(centred, bias));
  }
  to = target;
  for (let from = end - ((<usize>halo) << 3); from < end; from += 16, to += 16) {
    const word = v128.load(from);
    const centred = i64x2.sub(word, v128.and(i64x2.gt_s(word, half), span));
    v128.store(to, i64x2.sub(bias, centred));
  }
}

/**
 * Splits two widened polynomials into digits and interleaves them: limb k of pair i goes to
 * target + k * limbStride + 4 i. `count` is a multiple of 4.
 */
export function interleave(
  left: usize,
  right: usize,
  target: usize,
  limbStride: usize,
  count: i32,
  limbBits: i32,
  limbs: i32,
): void {
  const mask = i32x4.splat((1 << limbBits) - 1);
  const half = i32x4.splat(1 << (limbBits - 1));
  const low = i32x4.splat(0xffff);
  const end = target + ((<usize>count) << 2);
  for (; target < end; target += 16, left += 32, right += 32) {
    let a0 = v128.load(left);
    let a1 = v128.load(left, 16);
    let b0 = v128.load(right);
    let b1 = v128.load(right, 16);
    let to = target;
    for (let limb = 0; limb < limbs; limb++, to += limbStride) {
      const a = i32x4.sub(v128.and(i32x4.shuffle(a0, a1, 0, 2, 4, 6), mask), half);
      const b = i32x4.sub(v128.and(i32x4.shuffle(b0, b1, 0, 2, 4, 6), mask), half);
      v128.store(to, v128.or(v128.and(a, low), i32x4.shl(b, 16)));
      a0 = i64x2.shr_u(a0, limbBits);
      a1 = i64x2.shr_u(a1, limbBits);
      b0 = i64x2.shr_u(b0, limbBits);
      b1 = i64x2.shr_u(b1, limbBits);
    }
  }
}

/**
 * One limb of 8 neighbouring positions of four result rows: sums over steps {offset, 4 weight pairs} (20 bytes) of the
 * pairs at base + offset times the weight pair of each row. Lanes of row r go to to + 32 r.
 */
// @ts-ignore: decorator
@inline
function lanes4(base: usize, steps: usize, end: usize, to: usize): void {
  let s00 = i32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  for (; steps < end; steps += 20) {
    const from = base + load<u32>(steps);
    const x0 = v128.load(from);
    const x1 = v128.load(from, 16);
    let w = v128.load32_splat(steps, 4);
    s00 = i32x4.add(s00, i32x4.dot_i16x8_s(x0, w));
    s01 = i32x4.add(s01, i32x4.dot_i16x8_s(x1, w));
    w = v128.load32_splat(steps, 8);
    s10 = i32x4.add(s10, i32x4.dot_i16x8_s(x0, w));
    s11 = i32x4.add(s11, i32x4.dot_i16x8_s(x1, w));
    w = v128.load32_splat(steps, 12);
    s20 = i32x4.add(s20, i32x4.dot_i16x8_s(x0, w));
    s21 = i32x4.add(s21, i32x4.dot_i16x8_s(x1, w));
    w = v128.load32_splat(steps, 16);
    s30 = i32x4.add(s30, i32x4.dot_i16x8_s(x0, w));
    s31 = i32x4.add(s31, i32x4.dot_i16x8_s(x1, w));
  }
  v128.store(to, s00);
  v128.store(to, s01, 16);
  v128.store(to, s10, 32);
  v128.store(to, s11, 48);
  v128.store(to, s20, 64);
  v128.store(to, s21, 80);
  v128.store(to, s30, 96);
  v128.store(to, s31, 112);
}

/** The same for 32 neighbouring positions of one row; steps {offset, weight pair} take 8 bytes. */
// @ts-ignore: decorator
@inline
function lanes1(base: usize, steps: usize, end: usize, to: usize): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  for (; steps < end; steps += 8) {
    const from = base + load<u32>(steps);
    const w = v128.load32_splat(steps, 4);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load(from), w));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load(from, 16), w));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(v128.load(from, 32), w));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(v128.load(from, 48), w));
    s4 = i32x4.add(s4, i32x4.dot_i16x8_s(v128.load(from, 64), w));
    s5 = i32x4.add(s5, i32x4.dot_i16x8_s(v128.load(from, 80), w));
    s6 = i32x4.add(s6, i32x4.dot_i16x8_s(v128.load(from, 96), w));
    s7 = i32x4.add(s7, i32x4.dot_i16x8_s(v128.load(from, 112), w));
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
  v128.store(to, s5, 80);
  v128.store(to, s6, 96);
  v128.store(to, s7, 112);
}

/**
 * Four result rows at the positions of the tiles (first position of 8, 32-bit): residues to words at
 * results + r * rowStride + 8 * position. `planes` is where the lowest limb of the first plane begins, its halo
 * included in the steps' offsets. `exact`: every sum is exact in doubles. With `accumulate` the residues are added to
 * what is there.
 */
export function rows4(
  planes: usize,
  limbStride: usize,
  limbs: i32,
  limbBits: i32,
  steps: usize,
  stepCount: i32,
  tiles: usize,
  tileCount: i32,
  results: usize,
  rowStride: usize,
  scratch: usize,
  prime: usize,
  exact: bool,
  accumulate: bool,
): void {
  const end = steps + <usize>stepCount * 20;
  const lastTile = tiles + ((<usize>tileCount) << 2);
  for (; tiles < lastTile; tiles += 4) {
    const position = <usize>load<u32>(tiles);
    for (let limb = 0; limb < limbs; limb++) {
      lanes4(planes + <usize>limb * limbStride + (position << 2), steps, end, scratch + ((<usize>limb) << 7));
    }
    let to = results + (position << 3);
    for (let row: usize = 0; row < 4; row++, to += rowStride) {
      finish(scratch + (row << 5), POSITIONS_OF_FOUR >> 2, limbs, limbBits, to, prime, exact, accumulate);
    }
  }
}

/** One result row; tiles cover 32 positions. */
export function rows1(
  planes: usize,
  limbStride: usize,
  limbs: i32,
  limbBits: i32,
  steps: usize,
  stepCount: i32,
  tiles: usize,
  tileCount: i32,
  results: usize,
  rowStride: usize,
  scratch: usize,
  prime: usize,
  exact: bool,
  accumulate: bool,
): void {
  const end = steps + ((<usize>stepCount) << 3);
  const lastTile = tiles + ((<usize>tileCount) << 2);
  for (; tiles < lastTile; tiles += 4) {
    const position = <usize>load<u32>(tiles);
    for (let limb = 0; limb < limbs; limb++) {
      lanes1(planes + <usize>limb * limbStride + (position << 2), steps, end, scratch + ((<usize>limb) << 7));
    }
    finish(scratch, POSITIONS_OF_ONE >> 2, limbs, limbBits, results + (position << 3), prime, exact, accumulate);
  }
}
