import { residueOf, multiplication, powerOf } from '../rings/residues.ts';
import type { Range } from './ranges.ts';

/** Inverse modulo a prime t. */
function inverseOf(value: number, plainModulus: number): number {
  return powerOf(multiplication(plainModulus), value, plainModulus - 2);
}

/** The integer below the product of the moduli that has these residues, by Garner's method. */
function combineResidues(residues: readonly number[], plainModuli: readonly number[]): bigint {
  let value = 0n;
  let product = 1n;
  plainModuli.forEach((modulus, index) => {
    const wide = BigInt(modulus);
    const missing = residueOf(residues[index]! - Number(value % wide), modulus);
    const factor = multiplication(modulus)(missing, inverseOf(Number(product % wide), modulus));
    value += product * BigInt(factor);
    product *= wide;
  });
  return value;
}

/**
 * The logit from its residues: it is lo + modulus * y with 0 <= y < the product of the moduli, and modulus has an inverse
 * under each of them.
 */
export function decodeLogit(
  { lo, modulus }: Pick<Range, 'lo' | 'modulus'>,
  residues: readonly number[],
  plainModuli: readonly number[],
): bigint {
  if (modulus === 0n) return lo;
  const scaled = residues.map((residue, index) => {
    const plainModulus = plainModuli[index]!;
    const wide = BigInt(plainModulus);
    const shift = residueOf(Number(lo % wide), plainModulus);
    const inverse = inverseOf(residueOf(Number(modulus % wide), plainModulus), plainModulus);
    return multiplication(plainModulus)(residueOf(residue - shift, plainModulus), inverse);
  });
  return lo + modulus * combineResidues(scaled, plainModuli);
}
