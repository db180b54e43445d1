import { bitLength } from '../../compiler/base/interval.ts';
import { droppedOfDigits } from '../../compiler/bfv/dropStep.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { inverseModulo } from '../ring/lanePrimes.ts';

/**
 * How one number of a coefficient travels under one prime p, its residue or its digit: cut to the bits that the noise bound
 * leaves, c >> dropped, and restored to the middle of what that may have been, (c >> dropped) * 2^dropped + 2^(dropped - 1),
 * minus the prime where that reaches it. The error is at most 2^(dropped - 1); with nothing dropped there is none.
 *
 * Uploads of plans with hints are rounded instead, k = ((c + 2^(dropped - 1)) mod p) >> dropped, and k 2^dropped is what k
 * stands for, the upper half of k for negative numbers: 2^dropped (k - (p - 1) / 2^dropped) = k 2^dropped + 1 modulo p,
 * where 2^dropped divides p - 1. So the low bits of every number are 0, and the direct kernel need not look at them. The
 * error is at most 2^(dropped - 1) + 1.
 */
export interface CoefficientCode {
  readonly prime: bigint;
  readonly dropped: number;
  /** Bits of c >> dropped. */
  readonly bits: number;
  /** Largest c >> dropped. */
  readonly largest: bigint;
  /** What restoring adds: 2^(dropped - 1), or 0 where nothing is dropped or numbers are rounded. */
  readonly half: bigint;
  /** What is added before cutting: 2^(dropped - 1) where numbers are rounded. */
  readonly rounding: bigint;
  /** What restoring adds to the upper half: 1 where numbers are rounded. */
  readonly upper: bigint;
  /** What restoring takes off where it reaches the prime. */
  readonly excess: bigint;
}

/** What becomes of the bits that are dropped. */
export type Dropping = 'cut' | 'rounded';

export function coefficientCode(prime: bigint, dropped: number, dropping: Dropping = 'cut'): CoefficientCode {
  const half = dropped === 0 ? 0n : 1n << BigInt(dropped - 1);
  const isRounded = dropping === 'rounded' && dropped > 0;
  return {
    prime,
    dropped,
    bits: bitLength(prime - 1n) - dropped,
    largest: (prime - 1n) >> BigInt(dropped),
    half: isRounded ? 0n : half,
    rounding: isRounded ? half : 0n,
    upper: isRounded ? 1n : 0n,
    excess: prime,
  };
}

/** One step between residues and digits of two primes, as runtime/assembly/digits.ts takes it. */
export interface DigitStep {
  /** Number of the prime whose words change, and of the prime of a lower digit. */
  readonly index: number;
  readonly lower: number;
  readonly prime: bigint;
  /** floor(2^64 / prime). */
  readonly ratio: bigint;
  /** Inverse of the lower prime, for `toDigits`, or itself, for `fromDigits`; modulo the prime. */
  readonly factor: bigint;
  /** floor(factor 2^64 / prime). */
  readonly quotient: bigint;
}

/**
 * How the coefficients of one polynomial travel, a code for each prime: its residue where nothing is dropped or there is no
 * other prime, and otherwise its mixed-radix digit (compiler/bfv/dropStep.ts).
 */
export interface PolynomialCode {
  readonly codes: readonly CoefficientCode[];
  /** What makes digits of residues, in this order, and residues of digits; none where residues travel. */
  readonly toDigits: readonly DigitStep[];
  readonly fromDigits: readonly DigitStep[];
}

/** The code of polynomials of which nothing is dropped. */
export function residueCode(primes: readonly bigint[]): PolynomialCode {
  return { codes: primes.map((prime) => coefficientCode(prime, 0)), toDigits: [], fromDigits: [] };
}

export function polynomialCode(
  { dataPrimes }: Pick<Parameters, 'dataPrimes'>,
  dropped: number,
  dropping: Dropping = 'cut',
): PolynomialCode {
  const primes = dataPrimes.map(BigInt);
  const [prime] = primes;
  if (dropped === 0 || prime === undefined) return residueCode(primes);
  if (primes.length === 1)
    return { codes: [coefficientCode(prime, dropped, dropping)], toDigits: [], fromDigits: [] };
  // Digit i is (c - lower digits) / lower primes modulo prime i: it needs all lower ones, which are made first.
  const pairs = primes.flatMap((_, index) =>
    primes.slice(index + 1).map((__, above) => [index, index + 1 + above] as const),
  );
  const step = (index: number, lower: number, isInverse: boolean): DigitStep => {
    const modulus = primes[index]!;
    const factor = isInverse ? inverseModulo(primes[lower]!, modulus) : primes[lower]! % modulus;
    const ratio = (1n << 64n) / modulus;
    return { index, lower, prime: modulus, ratio, factor, quotient: (factor << 64n) / modulus };
  };
  return {
    codes: digitCodes(primes, dropped),
    toDigits: [...pairs].reverse().map(([index, lower]) => step(index, lower, true)),
    fromDigits: pairs.map(([index, lower]) => step(index, lower, false)),
  };
}

/**
 * The lowest digits do not travel: they are restored to 0 below a digit that is cut, and otherwise to the middle,
 * (p - 1) / 2 each. A digit that is cut is restored to less than its prime: with p it would change the digit above.
 */
function digitCodes(primes: readonly bigint[], dropped: number): CoefficientCode[] {
  const bits = droppedOfDigits(primes, dropped);
  const isCut = bits.some((ofDigit, index) => ofDigit > 0 && ofDigit < bitLength(primes[index]!));
  return primes.map((prime, index) => {
    const code = coefficientCode(prime, bits[index]!);
    if (code.bits === 0) return { ...code, half: isCut ? 0n : (prime - 1n) / 2n };
    if (code.dropped === 0 || index === 0) return code;
    const most = (code.largest << BigInt(code.dropped)) + code.half;
    return { ...code, excess: most < prime ? prime : most - (prime - 1n) };
  });
}

/** Bits of `count` coefficients. */
export function codeBits({ codes }: PolynomialCode, count: number): number {
  return codes.reduce((sum, { bits }) => sum + count * bits, 0);
}

/** Which of a ciphertext's polynomials: c0 or c1. */
export type Polynomial = 0 | 1;

/** Which coefficients travel, ascending; null: all. */
export type Positions = Int32Array | null;

export function positionCount(positions: Positions, degree: number): number {
  return positions === null ? degree : positions.length;
}

/** Bytes that `bits` bits take. */
export function packedBytes(bits: number): number {
  return Math.ceil(bits / 8);
}
