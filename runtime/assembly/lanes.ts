/** Residues modulo q < 2^31 in 32-bit SIMD lanes. Part of the module of ring.ts. */

/** x or x - q, whichever lies in [0, q); x < 2q < 2^32. */
// @ts-ignore: decorator
@inline
export function reduced(x: v128, q: v128): v128 {
  return i32x4.min_u(x, i32x4.sub(x, q));
}
