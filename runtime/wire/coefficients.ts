import { CipherconvError } from '../../compiler/errors.ts';
import type { BitReader, BitWriter } from './bits.ts';

/**
 * How one polynomial's coefficients travel under one prime: cut to the bits that the noise bound leaves, c >> dropped,
 * and restored to the middle of what that may have been, (c >> dropped) * 2^dropped + 2^(dropped - 1), minus the prime
 * where that reaches it. The error is at most 2^(dropped - 1); with nothing dropped there is none.
 */
export interface CoefficientCode {
  readonly prime: bigint;
  readonly dropped: number;
  /** Bits of c >> dropped. */
  readonly bits: number;
}

export function coefficientCode(prime: bigint, dropped: number): CoefficientCode {
  return { prime, dropped, bits: (prime - 1n).toString(2).length - dropped };
}

/** Which coefficients travel, ascending; null: all. */
export type Positions = Int32Array | null;

export function positionCount(positions: Positions, degree: number): number {
  return positions === null ? degree : positions.length;
}

const HALF = 2 ** 32;

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
  const { dropped, bits, prime } = code;
  const count = positionCount(positions, words.length / 2);
  const largest = (prime - 1n) >> BigInt(dropped);
  const [largestLow, largestHigh] = [Number(largest & 0xffffffffn), Number(largest >> 32n)];
  for (let index = 0; index < count; index++) {
    const position = positions === null ? index : positions[index]!;
    reader.take(bits);
    const { low, high } = reader;
    if (high > largestHigh || (high === largestHigh && low > largestLow)) {
      throw new CipherconvError({
        code: 'malformed-tensor',
        where,
        message: 'a coefficient is not below its modulus',
        expected: `at most ${largest}`,
        found: `${BigInt(high) * 2n ** 32n + BigInt(low)} at coefficient ${position}`,
      });
    }
    if (dropped === 0) {
      words[2 * position] = low;
      words[2 * position + 1] = high;
    } else {
      restore(words, position, low, high, dropped, prime);
    }
  }
}

/** Puts (value << dropped) + 2^(dropped - 1), modulo the prime, into the words. */
function restore(
  words: Uint32Array,
  position: number,
  low: number,
  high: number,
  dropped: number,
  prime: bigint,
): void {
  const shift = dropped >= 32 ? dropped - 32 : dropped;
  let restoredHigh =
    dropped >= 32 ? low * 2 ** shift : high * 2 ** shift + Math.floor(low / 2 ** (32 - shift));
  let restoredLow = dropped >= 32 ? 0 : (low * 2 ** shift) % HALF;
  // The dropped bits are zero here, so adding half of the step carries nothing.
  if (dropped > 32) restoredHigh += 2 ** (dropped - 33);
  else restoredLow += 2 ** (dropped - 1);
  const [primeLow, primeHigh] = [Number(prime & 0xffffffffn), Number(prime >> 32n)];
  if (restoredHigh > primeHigh || (restoredHigh === primeHigh && restoredLow >= primeLow)) {
    restoredHigh -= primeHigh;
    restoredLow -= primeLow;
    if (restoredLow < 0) {
      restoredLow += HALF;
      restoredHigh -= 1;
    }
  }
  words[2 * position] = restoredLow;
  words[2 * position + 1] = restoredHigh;
}
