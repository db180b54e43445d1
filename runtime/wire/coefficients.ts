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

/** Values under way between words and bits, in halves; grows to the longest run. Nothing in it outlives a call. */
let scratch = new Uint32Array(0);

function scratchPairs(count: number): Uint32Array {
  if (scratch.length < 2 * count) scratch = new Uint32Array(2 * count);
  return scratch;
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
  if (positions === null && dropped === 0) {
    writer.putRun(words, count, bits);
    return;
  }
  const pairs = scratchPairs(count);
  for (let index = 0; index < count; index++) {
    const at = 2 * (positions === null ? index : positions[index]!);
    const low = words[at]!;
    const high = words[at + 1]!;
    if (dropped === 0) {
      pairs[2 * index] = low;
      pairs[2 * index + 1] = high;
    } else if (dropped < 32) {
      pairs[2 * index] = (low >>> dropped) | (high << (32 - dropped));
      pairs[2 * index + 1] = high >>> dropped;
    } else {
      pairs[2 * index] = high >>> (dropped - 32);
      pairs[2 * index + 1] = 0;
    }
  }
  writer.putRun(pairs, count, bits);
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
  const pairs = scratchPairs(count);
  reader.takeRun(pairs, count, bits);
  for (let index = 0; index < 2 * count; index += 2) {
    const high = pairs[index + 1]!;
    if (high > largestHigh || (high === largestHigh && pairs[index]! > largestLow))
      rejectCoefficient(where, largest, pairs, index, positions);
  }
  if (dropped > 0) restore(pairs, count, dropped, prime);
  for (let index = 0; index < count; index++) {
    const at = 2 * (positions === null ? index : positions[index]!);
    words[at] = pairs[2 * index]!;
    words[at + 1] = pairs[2 * index + 1]!;
  }
}

function rejectCoefficient(
  where: string,
  largest: bigint,
  pairs: Uint32Array,
  index: number,
  positions: Positions,
): never {
  const position = positions === null ? index / 2 : positions[index / 2]!;
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'a coefficient is not below its modulus',
    expected: `at most ${largest}`,
    found: `${(BigInt(pairs[index + 1]!) << 32n) + BigInt(pairs[index]!)} at coefficient ${position}`,
  });
}

/** Flips the sign bit: unsigned halves compare as signed ones do, which keeps the loops in 32-bit integers. */
const SIGN = -0x80000000;

/** Makes each value (value << dropped) + 2^(dropped - 1), modulo the prime. */
function restore(pairs: Uint32Array, count: number, dropped: number, prime: bigint): void {
  const signed = new Int32Array(pairs.buffer, pairs.byteOffset, 2 * count);
  const primeLow = Number(BigInt.asIntN(32, prime));
  const primeHigh = Number(prime >> 32n);
  const primeLowFlipped = primeLow ^ SIGN;
  for (let index = 0; index < 2 * count; index += 2) {
    let low = signed[index]!;
    let high = signed[index + 1]!;
    // The dropped bits are zero here, so adding half of the step carries nothing.
    if (dropped < 32) {
      high = (high << dropped) | (low >>> (32 - dropped));
      low = (low << dropped) | (1 << (dropped - 1));
    } else {
      high = (low << (dropped - 32)) | (dropped === 32 ? 0 : 1 << (dropped - 33));
      low = dropped === 32 ? SIGN : 0;
    }
    // Both high halves are below 2^28.
    const borrows = (low ^ SIGN) < primeLowFlipped;
    if (high > primeHigh || (high === primeHigh && !borrows)) {
      high = (high - primeHigh - (borrows ? 1 : 0)) | 0;
      low = (low - primeLow) | 0;
    }
    signed[index] = low;
    signed[index + 1] = high;
  }
}
