import { CipherconvError } from '../../compiler/errors.ts';
import type { BitReader, BitWriter } from './bits.ts';

/**
 * How one polynomial's coefficients travel under one prime: cut to the bits that the noise bound leaves, c >> dropped,
 * and restored to the middle of what that may have been, (c >> dropped) * 2^dropped + 2^(dropped - 1), minus the prime
 * where that reaches it. The error is at most 2^(dropped - 1); with nothing dropped there is none.
 */
export interface CoefficientCode {
  readonly dropped: number;
  /** Bits of c >> dropped. */
  readonly bits: number;
  /** The prime, and the largest c >> dropped, in 32-bit halves. */
  readonly primeLow: number;
  readonly primeHigh: number;
  readonly largestLow: number;
  readonly largestHigh: number;
}

const LOW_HALF = 0xffffffffn;

export function coefficientCode(prime: bigint, dropped: number): CoefficientCode {
  const largest = (prime - 1n) >> BigInt(dropped);
  return {
    dropped,
    bits: (prime - 1n).toString(2).length - dropped,
    primeLow: Number(prime & LOW_HALF),
    primeHigh: Number(prime >> 32n),
    largestLow: Number(largest & LOW_HALF),
    largestHigh: Number(largest >> 32n),
  };
}

/** Which coefficients travel, ascending; null: all. */
export type Positions = Int32Array | null;

export function positionCount(positions: Positions, degree: number): number {
  return positions === null ? degree : positions.length;
}

/**
 * Appends the coefficients at `positions` of a polynomial given as 64-bit words in 32-bit halves (low half first).
 */
export function writeCoefficients(
  writer: BitWriter,
  code: CoefficientCode,
  words: Uint32Array,
  positions: Positions,
): void {
  const { dropped, bits } = code;
  const count = positionCount(positions, words.length / 2);
  for (let index = 0; index < count; index++) {
    const at = 2 * (positions === null ? index : positions[index]!);
    const [low, high] = [words[at]!, words[at + 1]!];
    if (dropped === 0) writer.put(low, high, bits);
    else if (dropped >= 32) writer.put(high >>> (dropped - 32), 0, bits);
    else writer.put((low >>> dropped) | (high << (32 - dropped)), high >>> dropped, bits);
  }
}

/**
 * Reads what `writeCoefficients` wrote into `words`; words that do not travel are left as they are.
 * @throws CipherconvError `malformed-tensor` for a coefficient that is not below its prime.
 */
export function readCoefficients(
  reader: BitReader,
  code: CoefficientCode,
  words: Uint32Array,
  positions: Positions,
  where: string,
): void {
  const { dropped, bits, largestLow, largestHigh } = code;
  const count = positionCount(positions, words.length / 2);
  for (let index = 0; index < count; index++) {
    const position = positions === null ? index : positions[index]!;
    reader.take(bits);
    const { low, high } = reader;
    if (high > largestHigh || (high === largestHigh && low > largestLow)) {
      throw new CipherconvError({
        code: 'malformed-tensor',
        where,
        message: 'a coefficient is not below its modulus',
        expected: `at most ${joined(largestLow, largestHigh)}`,
        found: `${joined(low, high)} at coefficient ${position}`,
      });
    }
    if (dropped === 0) {
      words[2 * position] = low;
      words[2 * position + 1] = high;
    } else {
      restore(words, 2 * position, low, high, code);
    }
  }
}

function joined(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Puts (value << dropped) + 2^(dropped - 1), modulo the prime, into the two halves at `at`. */
function restore(words: Uint32Array, at: number, low: number, high: number, code: CoefficientCode): void {
  const { dropped, primeLow, primeHigh } = code;
  let restoredLow: number;
  let restoredHigh: number;
  // The dropped bits are zero after the shift, so adding half of the step carries nothing.
  if (dropped < 32) {
    restoredLow = ((low << dropped) | (1 << (dropped - 1))) >>> 0;
    restoredHigh = ((high << dropped) | (low >>> (32 - dropped))) >>> 0;
  } else {
    restoredLow = dropped === 32 ? 2 ** 31 : 0;
    restoredHigh = ((low << (dropped - 32)) | (dropped === 32 ? 0 : 1 << (dropped - 33))) >>> 0;
  }
  if (restoredHigh > primeHigh || (restoredHigh === primeHigh && restoredLow >= primeLow)) {
    const borrow = restoredLow < primeLow ? 1 : 0;
    restoredLow = (restoredLow - primeLow) >>> 0;
    restoredHigh = restoredHigh - primeHigh - borrow;
  }
  words[at] = restoredLow;
  words[at + 1] = restoredHigh;
}
