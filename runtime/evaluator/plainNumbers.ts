import { powerModulo } from '../../compiler/rings/primes.ts';

/**
 * The numbers that stand for a coefficient in a message, one a prime, by their definition and in big integers: none of the code
 * that everybody else makes and reads them with. See ../wire/coefficients.ts.
 */
export interface PlainNumbers {
  /** Bits of each number. */
  readonly sizes: readonly number[];
  /** From residues to what travels. */
  readonly cut: (residues: readonly bigint[]) => bigint[];
  /** What the numbers that travelled stand for. */
  readonly restore: (numbers: readonly bigint[]) => bigint[];
}

/** @param isRounded how uploads with hints are cut */
export function plainNumbers(primes: readonly bigint[], dropped: number, isRounded: boolean): PlainNumbers {
  if (primes.length > 1 && dropped > 0) return digits(primes, dropped);
  const restored = isRounded ? restoreRounded : restoreCut;
  return {
    sizes: primes.map((prime) => bitsOf(prime) - dropped),
    cut: (residues) => residues.map((residue) => residue >> BigInt(dropped)),
    restore: (numbers) => numbers.map((number, which) => restored(number, primes[which]!, dropped)),
  };
}

function bitsOf(prime: bigint): number {
  return prime.toString(2).length;
}

/** What a coefficient that was cut stands for: the middle of what it may have been. */
function restoreCut(value: bigint, prime: bigint, dropped: number): bigint {
  return dropped === 0 ? value : ((value << BigInt(dropped)) + (1n << BigInt(dropped - 1))) % prime;
}

/** What a coefficient that was rounded stands for: 2^dropped times the number that it counts, of either sign. */
function restoreRounded(value: bigint, prime: bigint, dropped: number): bigint {
  const count = (prime - 1n) >> BigInt(dropped);
  const signed = (2n * value > count ? value - count : value) << BigInt(dropped);
  if (dropped === 0) return value;
  return signed < 0n ? signed + prime : signed;
}

/** Digits of the coefficient itself: the remainder by the last prime, of the quotient that by the one before it, and so on. */
function digits(primes: readonly bigint[], dropped: number): PlainNumbers {
  const q = primes.reduce((product, prime) => product * prime, 1n);
  // 1 modulo one prime, 0 modulo the others.
  const basis = primes.map((prime) => (q / prime) * powerModulo((q / prime) % prime, prime - 2n, prime));
  // What one of each digit counts for.
  const weights = primes.map((_, which) =>
    primes.slice(which + 1).reduce((product, prime) => product * prime, 1n),
  );
  const lower = primes.map((_, which) =>
    primes.slice(which + 1).reduce((sum, prime) => sum + bitsOf(prime), 0),
  );
  const cuts = primes.map((prime, which) => Math.max(0, Math.min(dropped - lower[which]!, bitsOf(prime))));
  const sizes = primes.map((prime, which) => bitsOf(prime) - cuts[which]!);
  // The lowest digit of which something travels: its last bit counts for a step.
  const last = sizes.findLastIndex((size) => size > 0);
  const step = weights[last]! << BigInt(cuts[last]!);
  const largest = weights[last]! * (primes[last]! - 1n);
  return {
    sizes,
    cut: (residues) => {
      let rest = residues.reduce((sum, residue, which) => sum + residue * basis[which]!, 0n) % q;
      const numbers = primes.map(() => 0n);
      for (let which = primes.length - 1; which >= 0; which--) {
        numbers[which] = (rest % primes[which]!) >> BigInt(cuts[which]!);
        rest /= primes[which]!;
      }
      return numbers;
    },
    restore: (numbers) => {
      const value = (which: number): bigint => (numbers[which]! << BigInt(cuts[which]!)) * weights[which]!;
      const above = primes.slice(0, last).reduce((sum, _, which) => sum + value(which), 0n);
      const middle = value(last) + step / 2n;
      // Beside the highest digit, one that is cut stays below its prime.
      const isBeyond = last > 0 && cuts[last]! > 0 && middle > largest;
      const restored = above + (isBeyond ? largest : middle);
      return primes.map((prime) => restored % prime);
    },
  };
}
