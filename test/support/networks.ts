/** Integers in [lo, hi], the same for the same seed. */
export function integersFrom(seed: number): (lo: number, hi: number) => number {
  let state = seed >>> 0;
  return (lo, hi) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return lo + (((mixed ^ (mixed >>> 14)) >>> 0) % (hi - lo + 1));
  };
}
