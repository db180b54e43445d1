/**
 * Products of float32 matrices for training, in SIMD lanes. AssemblyScript; `npm run build:kernel` compiles it into
 * ../training/matrix.gen.ts. The module owns no data: JavaScript lays out the memory and passes byte addresses. Multiplications
 * and additions are rounded one by one and in a fixed order, so the same inputs give the same bits on every machine.
 */

export { inner } from './matrixInner';
export { adam, fold, relax, shrink, square, squareSlopes, unfold, warp } from './training';

const VECTOR: usize = 16;

// @ts-ignore: decorator
@inline
function fused(sum: v128, x: f32, y: v128): v128 {
  return f32x4.add(sum, f32x4.mul(f32x4.splat(x), y));
}

/**
 * C += A B, where the columns of B lie side by side. C is `rows` x `columns`, A `rows` x `depth`.
 * @param columns a multiple of 4
 * @param rowStep bytes from one row of A to the next; `depthStep` from one entry of a row to the next: so A may be transposed
 * @param bPitch bytes from one row of B to the next; `cPitch` the same for C
 */
export function outer(
  a: usize,
  rowStep: usize,
  depthStep: usize,
  b: usize,
  bPitch: usize,
  c: usize,
  cPitch: usize,
  rows: i32,
  depth: i32,
  columns: i32,
): void {
  const width: usize = (columns as usize) * 4;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const a0 = a + (row as usize) * rowStep;
    const c0 = c + (row as usize) * cPitch;
    let column: usize = 0;
    for (; column + 2 * VECTOR <= width; column += 2 * VECTOR)
      fourRows(a0, rowStep, depthStep, b + column, bPitch, c0 + column, cPitch, depth);
    if (column < width) fourNarrow(a0, rowStep, depthStep, b + column, bPitch, c0 + column, cPitch, depth);
  }
  for (; row < rows; row++) {
    const a0 = a + (row as usize) * rowStep;
    const c0 = c + (row as usize) * cPitch;
    let column: usize = 0;
    for (; column + 4 * VECTOR <= width; column += 4 * VECTOR)
      oneRow(a0, depthStep, b + column, bPitch, c0 + column, depth);
    for (; column < width; column += VECTOR) oneNarrow(a0, depthStep, b + column, bPitch, c0 + column, depth);
  }
}

function fourRows(
  a: usize,
  rowStep: usize,
  depthStep: usize,
  b: usize,
  bPitch: usize,
  c: usize,
  cPitch: usize,
  depth: i32,
): void {
  const c1 = c + cPitch;
  const c2 = c1 + cPitch;
  const c3 = c2 + cPitch;
  let s00 = v128.load(c);
  let s01 = v128.load(c, VECTOR);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, VECTOR);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, VECTOR);
  let s30 = v128.load(c3);
  let s31 = v128.load(c3, VECTOR);
  const a1 = a + rowStep;
  const a2 = a1 + rowStep;
  const a3 = a2 + rowStep;
  let at: usize = 0;
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, VECTOR);
    const x0 = load<f32>(a + at);
    const x1 = load<f32>(a1 + at);
    const x2 = load<f32>(a2 + at);
    const x3 = load<f32>(a3 + at);
    s00 = fused(s00, x0, b0);
    s01 = fused(s01, x0, b1);
    s10 = fused(s10, x1, b0);
    s11 = fused(s11, x1, b1);
    s20 = fused(s20, x2, b0);
    s21 = fused(s21, x2, b1);
    s30 = fused(s30, x3, b0);
    s31 = fused(s31, x3, b1);
    b += bPitch;
    at += depthStep;
  }
  v128.store(c, s00);
  v128.store(c, s01, VECTOR);
  v128.store(c1, s10);
  v128.store(c1, s11, VECTOR);
  v128.store(c2, s20);
  v128.store(c2, s21, VECTOR);
  v128.store(c3, s30);
  v128.store(c3, s31, VECTOR);
}

function fourNarrow(
  a: usize,
  rowStep: usize,
  depthStep: usize,
  b: usize,
  bPitch: usize,
  c: usize,
  cPitch: usize,
  depth: i32,
): void {
  const c1 = c + cPitch;
  const c2 = c1 + cPitch;
  const c3 = c2 + cPitch;
  let s0 = v128.load(c);
  let s1 = v128.load(c1);
  let s2 = v128.load(c2);
  let s3 = v128.load(c3);
  const a1 = a + rowStep;
  const a2 = a1 + rowStep;
  const a3 = a2 + rowStep;
  let at: usize = 0;
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b);
    s0 = fused(s0, load<f32>(a + at), b0);
    s1 = fused(s1, load<f32>(a1 + at), b0);
    s2 = fused(s2, load<f32>(a2 + at), b0);
    s3 = fused(s3, load<f32>(a3 + at), b0);
    b += bPitch;
    at += depthStep;
  }
  v128.store(c, s0);
  v128.store(c1, s1);
  v128.store(c2, s2);
  v128.store(c3, s3);
}

function oneRow(a: usize, depthStep: usize, b: usize, bPitch: usize, c: usize, depth: i32): void {
  let s0 = v128.load(c);
  let s1 = v128.load(c, VECTOR);
  let s2 = v128.load(c, 2 * VECTOR);
  let s3 = v128.load(c, 3 * VECTOR);
  for (let k = 0; k < depth; k++) {
    const x = load<f32>(a);
    s0 = fused(s0, x, v128.load(b));
    s1 = fused(s1, x, v128.load(b, VECTOR));
    s2 = fused(s2, x, v128.load(b, 2 * VECTOR));
    s3 = fused(s3, x, v128.load(b, 3 * VECTOR));
    b += bPitch;
    a += depthStep;
  }
  v128.store(c, s0);
  v128.store(c, s1, VECTOR);
  v128.store(c, s2, 2 * VECTOR);
  v128.store(c, s3, 3 * VECTOR);
}

function oneNarrow(a: usize, depthStep: usize, b: usize, bPitch: usize, c: usize, depth: i32): void {
  let s0 = v128.load(c);
  for (let k = 0; k < depth; k++) {
    s0 = fused(s0, load<f32>(a), v128.load(b));
    b += bPitch;
    a += depthStep;
  }
  v128.store(c, s0);
}

