/** An exact, closed range of integers [lo, hi]; both ends are safe integers (below 2^53 in magnitude). */
export interface Interval {
  /** Smallest integer of the range. */
  readonly lo: number;
  /** Largest integer of the range, not below `lo`. */
  readonly hi: number;
}

/** Smallest interval that holds both. */
export function hull(left: Interval, right: Interval): Interval {
  return { lo: Math.min(left.lo, right.lo), hi: Math.max(left.hi, right.hi) };
}

/** All integers that `bits` bits hold: [0, 2^bits - 1], or two's complement [-2^(bits-1), 2^(bits-1) - 1]. */
export function datatypeRange(bits: number, signed: boolean): Interval {
  return signed ? { lo: -(2 ** (bits - 1)), hi: 2 ** (bits - 1) - 1 } : { lo: 0, hi: 2 ** bits - 1 };
}

/** A width of integers: so many bits, with or without a sign. */
export interface Width {
  /** Number of bits, the sign bit included. */
  readonly bits: number;
  /** Whether the integers are two's complement; otherwise they start at 0. */
  readonly signed: boolean;
}

/**
 * Bits that the interval needs, as FINN and QONNX count them: ceil(log2(hi + 1)) unsigned when lo >= 0,
 * otherwise ceil(log2(max(-lo, hi + 1))) + 1 signed. The interval [0, 0] needs 0 bits.
 */
export function requiredWidth(interval: Interval): Width {
  if (interval.lo >= 0) return { bits: bitLength(interval.hi), signed: false };
  return { bits: ceilLog2(Math.max(-interval.lo, interval.hi + 1)) + 1, signed: true };
}

/** Whether every integer of `inner` lies in `outer`. */
export function contains(outer: Interval, inner: Interval): boolean {
  return outer.lo <= inner.lo && inner.hi <= outer.hi;
}

/** Number of bits of a non-negative safe integer; 0 for 0. Exact: it goes through bigint, not Math.log2. */
export function bitLength(value: number | bigint): number {
  return value === 0 || value === 0n ? 0 : BigInt(value).toString(2).length;
}

/** ceil(log2(value)) of a positive safe integer, exact. */
export function ceilLog2(value: number): number {
  return bitLength(BigInt(value) - 1n);
}
