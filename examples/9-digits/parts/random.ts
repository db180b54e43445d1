/** A small deterministic generator (mulberry32): the same seed draws and trains the same network everywhere. */
export interface Random {
  /** Uniform in [lo, hi). */
  readonly between: (lo: number, hi: number) => number;
  /** Uniform integer, 0 to count - 1. */
  readonly below: (count: number) => number;
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
    below: (count) => Math.floor(unit() * count),
  };
}

/** Fisher and Yates, in place. */
export function shuffle(items: unknown[], random: Random): void {
  for (let last = items.length - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    [items[last], items[chosen]] = [items[chosen], items[last]];
  }
}
