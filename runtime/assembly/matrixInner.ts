/** Inner products of the rows of two matrices: a part of matrix.ts. */

const VECTOR: usize = 16;

// @ts-ignore: decorator
@inline
function total(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) +
    f32x4.extract_lane(x, 1) +
    (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
function addTo(address: usize, x: v128): void {
  store<f32>(address, load<f32>(address) + total(x));
}

/**
 * C += A B^T: every entry is the inner product of a row of A and a row of B, which both lie in one piece.
 * @param depth a multiple of 4
 * @param aPitch bytes from one row to the next; `bPitch`, `cPitch` the same
 */
export function inner(
  a: usize,
  aPitch: usize,
  b: usize,
  bPitch: usize,
  c: usize,
  cPitch: usize,
  rows: i32,
  depth: i32,
  columns: i32,
): void {
  const length: usize = (depth as usize) * 4;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const a0 = a + (row as usize) * aPitch;
    const c0 = c + (row as usize) * cPitch;
    let column = 0;
    for (; column + 2 <= columns; column += 2)
      fourByTwo(a0, aPitch, b + (column as usize) * bPitch, bPitch, c0 + ((column as usize) << 2), cPitch, length);
    if (column < columns)
      fourByOne(a0, aPitch, b + (column as usize) * bPitch, c0 + ((column as usize) << 2), cPitch, length);
  }
  for (; row < rows; row++) {
    const a0 = a + (row as usize) * aPitch;
    const c0 = c + (row as usize) * cPitch;
    let column = 0;
    for (; column + 4 <= columns; column += 4)
      oneByFour(a0, b + (column as usize) * bPitch, bPitch, c0 + ((column as usize) << 2), length);
    for (; column < columns; column++)
      oneByOne(a0, b + (column as usize) * bPitch, c0 + ((column as usize) << 2), length);
  }
}

// @ts-ignore: decorator
@inline
function along(sum: v128, x: v128, y: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, y));
}

function fourByTwo(a: usize, aPitch: usize, b: usize, bPitch: usize, c: usize, cPitch: usize, length: usize): void {
  const a1 = a + aPitch;
  const a2 = a1 + aPitch;
  const a3 = a2 + aPitch;
  const b1 = b + bPitch;
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  for (let at: usize = 0; at < length; at += VECTOR) {
    const y0 = v128.load(b + at);
    const y1 = v128.load(b1 + at);
    const x0 = v128.load(a + at);
    s00 = along(s00, x0, y0);
    s01 = along(s01, x0, y1);
    const x1 = v128.load(a1 + at);
    s10 = along(s10, x1, y0);
    s11 = along(s11, x1, y1);
    const x2 = v128.load(a2 + at);
    s20 = along(s20, x2, y0);
    s21 = along(s21, x2, y1);
    const x3 = v128.load(a3 + at);
    s30 = along(s30, x3, y0);
    s31 = along(s31, x3, y1);
  }
  addTo(c, s00);
  addTo(c + 4, s01);
  c += cPitch;
  addTo(c, s10);
  addTo(c + 4, s11);
  c += cPitch;
  addTo(c, s20);
  addTo(c + 4, s21);
  c += cPitch;
  addTo(c, s30);
  addTo(c + 4, s31);
}

function fourByOne(a: usize, aPitch: usize, b: usize, c: usize, cPitch: usize, length: usize): void {
  const a1 = a + aPitch;
  const a2 = a1 + aPitch;
  const a3 = a2 + aPitch;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let at: usize = 0; at < length; at += VECTOR) {
    const y = v128.load(b + at);
    s0 = along(s0, v128.load(a + at), y);
    s1 = along(s1, v128.load(a1 + at), y);
    s2 = along(s2, v128.load(a2 + at), y);
    s3 = along(s3, v128.load(a3 + at), y);
  }
  addTo(c, s0);
  addTo(c + cPitch, s1);
  addTo(c + 2 * cPitch, s2);
  addTo(c + 3 * cPitch, s3);
}

function oneByFour(a: usize, b: usize, bPitch: usize, c: usize, length: usize): void {
  const b1 = b + bPitch;
  const b2 = b1 + bPitch;
  const b3 = b2 + bPitch;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let at: usize = 0; at < length; at += VECTOR) {
    const x = v128.load(a + at);
    s0 = along(s0, x, v128.load(b + at));
    s1 = along(s1, x, v128.load(b1 + at));
    s2 = along(s2, x, v128.load(b2 + at));
    s3 = along(s3, x, v128.load(b3 + at));
  }
  addTo(c, s0);
  addTo(c + 4, s1);
  addTo(c + 8, s2);
  addTo(c + 12, s3);
}

function oneByOne(a: usize, b: usize, c: usize, length: usize): void {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < length; at += VECTOR) sum = along(sum, v128.load(a + at), v128.load(b + at));
  addTo(c, sum);
}

