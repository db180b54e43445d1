/** Primes for the coefficient modulus: p = 1 mod 2N, so that SEAL's number-theoretic transform exists. Exact bigints. */

const WITNESSES = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n];

/** base^exponent modulo `modulus`. */
export function powerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Miller-Rabin with the first twelve primes: a proof below 3.3 * 10^24 (Sorenson and Webster 2015). */
export function isPrime(candidate: bigint): boolean {
  if (candidate < 2n) return false;
  for (const prime of WITNESSES) {
    if (candidate === prime) return true;
    if (candidate % prime === 0n) return false;
  }
  let odd = candidate - 1n;
  let twos = 0;
  while ((odd & 1n) === 0n) {
    odd >>= 1n;
    twos++;
  }
  return WITNESSES.every((witness) => {
    let power = powerModulo(witness, odd, candidate);
    if (power === 1n || power === candidate - 1n) return true;
    for (let round = 1; round < twos; round++) {
      power = (power * power) % candidate;
      if (power === candidate - 1n) return true;
    }
    return false;
  });
}

export const MIN_PRIME_BITS = 14;
export const MAX_PRIME_BITS = 60;

/**
 * The `count` largest primes of exactly `bits` bits with p = 1 mod 2 * degree, largest first, those in `exclude` left
 * out; fewer where fewer exist.
 * @param largest none above this one, which has as many bits
 */
export function nttPrimes(
  degree: number,
  bits: number,
  count: number,
  exclude: readonly bigint[] = [],
  largest: bigint = (1n << BigInt(bits)) - 1n,
): bigint[] {
  const step = BigInt(2 * degree);
  const smallest = 1n << BigInt(bits - 1);
  const found: bigint[] = [];
  let candidate = ((largest - 1n) / step) * step + 1n;
  for (; candidate >= smallest && found.length < count; candidate -= step) {
    if (!exclude.includes(candidate) && isPrime(candidate)) found.push(candidate);
  }
  return found;
}

export function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let [a, b] = [left, right];
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
