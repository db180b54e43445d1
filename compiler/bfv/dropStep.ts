import { bitLength } from '../base/interval.ts';
import type { DroppedBits } from './noise.ts';

/**
 * Which low bits of a coefficient are dropped. Under one prime they are those of its residue. Under several, q_0 to q_k-1, the
 * coefficient c modulo q = q_0 ... q_k-1 has mixed-radix digits,
 *
 *     c = v_k-1 + q_k-1 (v_k-2 + q_k-2 (... + q_1 v_0)),  0 <= v_i < q_i,
 *
 * and low bits are taken from the lowest digit, that of the last prime, as many as it has, then from the next. So whole digits
 * and d bits of one more are dropped: the step is their product times 2^d, and every other digit travels at the bits of its
 * prime.
 */

/** Bits that are dropped of the digit of each prime, in the order of the primes. */
export function droppedOfDigits(primes: readonly bigint[], bits: number): number[] {
  const dropped = new Array<number>(primes.length).fill(0);
  let left = bits;
  for (let index = primes.length - 1; index >= 0 && left > 0; index--) {
    dropped[index] = Math.min(left, bitLength(primes[index]!));
    left -= dropped[index]!;
  }
  return dropped;
}

/** What dropping so many low bits makes of 1: coefficients travel in multiples of it. 1 where nothing is dropped. */
export function dropStep(primes: readonly bigint[], bits: number): bigint {
  return droppedOfDigits(primes, bits).reduce((step, dropped, index) => {
    const prime = primes[index]!;
    return step * (dropped === bitLength(prime) ? prime : 1n << BigInt(dropped));
  }, 1n);
}

/** Bits of all digits together: those of a coefficient of which nothing is dropped. */
export function digitBits(primes: readonly bigint[]): number {
  return primes.reduce((sum, prime) => sum + bitLength(prime), 0);
}

/** Most low bits that may be dropped: two at least of every coefficient travel. */
export function mostDropped(primes: readonly bigint[]): number {
  return digitBits(primes) - 2;
}

/** Steps of 0 to `mostDropped` bits, ascending. */
export function allSteps(primes: readonly bigint[]): bigint[] {
  return Array.from({ length: mostDropped(primes) + 1 }, (_, bits) => dropStep(primes, bits));
}

/** The steps of what is dropped, both ways. */
export interface DropSteps {
  /** Of c0 of an upload. */
  readonly uploadC0: bigint;
  /** Of c0 of a response. */
  readonly responseC0: bigint;
  /** Of c1 of a response. */
  readonly responseC1: bigint;
}

export const NO_STEPS: DropSteps = Object.freeze({ uploadC0: 1n, responseC0: 1n, responseC1: 1n });

export function dropSteps(
  primes: readonly bigint[],
  { uploadC0, responseC0, responseC1 }: DroppedBits,
): DropSteps {
  return {
    uploadC0: dropStep(primes, uploadC0),
    responseC0: dropStep(primes, responseC0),
    responseC1: dropStep(primes, responseC1),
  };
}
