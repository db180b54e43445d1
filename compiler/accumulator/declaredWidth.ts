import { CipherconvError } from '../base/errors.ts';
import { requiredWidth } from '../base/interval.ts';
import type { Interval, Width } from '../base/interval.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/** What width to declare for an accumulator: the one answer of the linter and of the compiler. */

/** Bits that an interval needs in an accumulator of this signedness; null when no number of unsigned bits holds it. */
export function requiredBitsAs(interval: Interval, signed: boolean): number | null {
  const width = requiredWidth(interval);
  if (signed) return width.signed ? width.bits : width.bits + 1;
  return width.signed ? null : width.bits;
}

/** What to declare so that `interval` fits: the same signedness if that can be, signed otherwise. At least 1 bit. */
export function sufficientWidth(interval: Interval, declared: Width): Width {
  const bits = requiredBitsAs(interval, declared.signed);
  return bits === null
    ? { bits: requiredBitsAs(interval, true) ?? 1, signed: true }
    : { bits: Math.max(1, bits), signed: declared.signed };
}

/** Bits needed as `sufficientWidth` declares them. */
export function requiredBitsFor(interval: Interval, declared: Width): number {
  return requiredBitsAs(interval, declared.signed) ?? requiredBitsAs(interval, true) ?? 1;
}

/** `bits` in place of the width that was declared; signed where none was. */
export function widthOfBits(bits: number, declared: Width | null): Width {
  return { bits, signed: declared?.signed ?? true };
}

/**
 * The convolution, held to an accumulator of `bits`; as it is where they are undefined.
 * @throws CipherconvError `usage` for bits that no accumulator has.
 */
export function withAccumulatorBits(spec: ConvSpec, bits: number | undefined): ConvSpec {
  if (bits !== undefined && !(Number.isInteger(bits) && bits >= 1 && bits <= 64))
    throw new CipherconvError({
      code: 'usage',
      where: 'accumulatorBits',
      message: 'not bits of an accumulator',
      expected: 'a whole number from 1 to 64',
      found: String(bits),
    });
  return bits === undefined ? spec : { ...spec, accumulator: widthOfBits(bits, spec.accumulator) };
}
