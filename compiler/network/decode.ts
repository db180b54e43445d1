import { CipherconvError } from '../base/errors.ts';
import { residueOf, multiplication, powerOf } from '../rings/residues.ts';
import type { LogitWindow } from './plan.ts';
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
 * under each of them. Residues of another result give a value too, beyond the proved one more often than not: see
 * `requireProved`. A constant is read like any other logit, in steps of 1, so that it shows when it is wrong.
 */
export function decodeLogit(
  { lo, modulus }: Pick<Range, 'lo' | 'modulus'>,
  residues: readonly number[],
  plainModuli: readonly number[],
): bigint {
  const step = modulus === 0n ? 1n : modulus;
  const scaled = residues.map((residue, index) => {
    const plainModulus = plainModuli[index]!;
    const wide = BigInt(plainModulus);
    const shift = residueOf(Number(lo % wide), plainModulus);
    const inverse = inverseOf(residueOf(Number(step % wide), plainModulus), plainModulus);
    return multiplication(plainModulus)(residueOf(residue - shift, plainModulus), inverse);
  });
  return lo + step * combineResidues(scaled, plainModuli);
}

/**
 * No input gives a logit above its window (decoding gives none below): such a result is another one, or its noise won.
 * @throws CipherconvError `out-of-range`
 */
export function requireProved(
  name: string,
  windows: readonly Pick<LogitWindow, 'lo' | 'hi'>[],
  logits: readonly bigint[],
): void {
  const wrong = windows.findIndex(({ hi }, index) => logits[index]! > BigInt(hi));
  if (wrong < 0) return;
  throw new CipherconvError({
    code: 'out-of-range',
    where: `${name}: logit ${wrong}`,
    message: 'the response is no result of this network: no input gives such a logit',
    expected: `${windows[wrong]!.lo} to ${windows[wrong]!.hi}`,
    found: String(logits[wrong]),
    hint: 'do not tell the server, and take a fresh key: it computed something else, or the response was changed on its way',
  });
}
