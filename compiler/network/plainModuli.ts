import { isPrime } from '../rings/primes.ts';

/** Plain moduli that are tried at most: beyond, networks are trained or rounded to less width. */
export const MOST_MODULI = 4;
/** Batching primes looked at, the smallest ones: about 23 bits at N = 8192. */
const CANDIDATES = 40;

/** The smallest primes t = 1 mod 2N under which every one of the `divisors` has an inverse. */
function batchingPrimes(degree: number, divisors: readonly bigint[]): number[] {
  const found: number[] = [];
  for (let candidate = 2 * degree + 1; found.length < CANDIDATES; candidate += 2 * degree) {
    const prime = BigInt(candidate);
    if (isPrime(prime) && divisors.every((divisor) => divisor % prime !== 0n)) found.push(candidate);
  }
  return found;
}

/** The first of `primes[from..]` that is at least `least`. */
function firstFrom(primes: readonly number[], from: number, least: bigint): number | null {
  const index = primes.findIndex((prime, at) => at >= from && BigInt(prime) >= least);
  return index < 0 ? null : primes[index]!;
}

/**
 * `count` different primes whose product is at least `width`, with the smallest product; null where the candidates do not
 * reach it.
 */
export function choosePlainModuli(
  degree: number,
  width: bigint,
  count: number,
  divisors: readonly bigint[],
): number[] | null {
  const primes = batchingPrimes(degree, divisors);
  let best: { moduli: number[]; product: bigint } | null = null;
  const extend = (moduli: readonly number[], product: bigint, from: number): void => {
    if (best !== null && product >= best.product) return;
    if (moduli.length === count - 1) {
      const last = firstFrom(primes, from, (width + product - 1n) / product);
      if (last === null) return;
      const whole = product * BigInt(last);
      if (best === null || whole < best.product) best = { moduli: [...moduli, last], product: whole };
      return;
    }
    for (let index = from; index < primes.length; index++)
      extend([...moduli, primes[index]!], product * BigInt(primes[index]!), index + 1);
  };
  extend([], 1n, 0);
  const chosen = best as { moduli: number[] } | null;
  return chosen === null ? null : chosen.moduli;
}
