import type { Interval } from '../../compiler/base/interval.ts';

/**
 * What an encryption adds to c0 for a message m in [0, t): q m / t rounded as SEAL rounds it, floor((q m + floor((t + 1) /
 * 2)) / t) (multiply_add_plain_with_scaling_variant). The constants with which runtime/assembly/messages.ts computes it, and
 * what undoes it, in exact integers.
 */

const WORD = 1n << 64n;
/** Bytes of the constants of one prime. */
export const SCALING_BYTES = 128;
/** Below it a double's estimate of t x / q is off by one at most. */
const LARGEST_SCALED_PLAIN = 2 ** 50;

/**
 * The constants of one of the primes of q, in the order in which the assembly reads them.
 * @param values the integers that will be encrypted
 */
export function writeScaling(
  view: DataView,
  { prime, primes, plainModulus }: ScaledPrime,
  values: Interval,
): void {
  const q = primes.reduce((product, each) => product * each, 1n);
  const t = BigInt(plainModulus);
  const lowest = BigInt(values.lo);
  const offset = lowest >= 0n ? 0n : ((-lowest + t - 1n) / t) * t;
  const delta = (q / t) % prime;
  const rest = q % t;
  const words = [
    prime,
    t,
    WORD / t,
    offset,
    delta,
    (delta * WORD) / prime,
    rest,
    (rest * WORD) / t,
    WORD / prime,
    primes.length === 1 ? 1n : 0n,
  ];
  words.forEach((word, index) => {
    view.setBigUint64(8 * index, word, true);
  });
  view.setFloat64(8 * words.length, plainModulus / Number(prime), true);
}

/** A prime of the coefficient modulus, with all of them and t. */
export interface ScaledPrime {
  readonly prime: bigint;
  readonly primes: readonly bigint[];
  readonly plainModulus: number;
}

/** Whether the assembly scales down; otherwise `scaleDownExactly` does. */
export function scalesInLanes(primes: readonly bigint[], plainModulus: number): boolean {
  return primes.length === 1 && plainModulus < LARGEST_SCALED_PLAIN;
}

/** floor((t x + floor(q / 2)) / q) modulo t, and the noise [t x]_q around 0, for x below q. */
export function scaleDownExactly(x: bigint, q: bigint, t: bigint): { residue: bigint; noise: bigint } {
  const sum = t * x + q / 2n;
  return { residue: (sum / q) % t, noise: (sum % q) - q / 2n };
}

/** For each prime the integer below q that is 1 modulo it and 0 modulo the others. */
export function crtBasis(
  primes: readonly bigint[],
  inverse: (value: bigint, prime: bigint) => bigint,
): bigint[] {
  const q = primes.reduce((product, prime) => product * prime, 1n);
  return primes.map((prime) => (q / prime) * inverse((q / prime) % prime, prime));
}
