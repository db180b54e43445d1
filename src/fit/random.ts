/** A small deterministic generator (mulberry32): the same seed trains the same network everywhere. */
export interface Random {
  /** Uniform in [lo, hi). */
  readonly between: (lo: number, hi: number) => number;
  /** Normal with mean 0 and deviation 1 (Box and Muller). */
  readonly normal: () => number;
  /** The integers below `count` in random order (Fisher and Yates). */
  readonly order: (count: number) => Uint32Array;
}

export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (lo, hi) => lo + (hi - lo) * unit(),
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    order: (count) => {
      const order = Uint32Array.from({ length: count }, (_, index) => index);
      for (let last = count - 1; last > 0; last--) {
        const chosen = Math.floor(unit() * (last + 1));
        [order[last], order[chosen]] = [order[chosen]!, order[last]!];
      }
      return order;
    },
  };
}
