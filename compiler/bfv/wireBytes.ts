import { bitLength } from '../base/interval.ts';
import type { UploadForm } from '../lowering/plan.ts';

/** Sizes of what travels, in bytes. */

/** The seed that stands for c1 in an upload of SEAL's, and in a half of an evaluation key. */
export const SEED_BYTES = 64;

/** Bytes of what stands for c1 in an upload of that form, where c1 itself does not travel. */
export function seedBytes(upload: UploadForm): number {
  switch (upload) {
    case 'seeded':
    case 'seal-seeded':
      return SEED_BYTES;
    case 'whole':
    case 'hint':
      return 0;
    default:
      return upload satisfies never;
  }
}

/** One polynomial, prime by prime, its coefficients cut by `dropped` bits; it fills up its last byte. */
export function polynomialBytes(primes: readonly string[], coefficients: number, dropped: number): number {
  const bits = primes.reduce(
    (total, prime) => total + coefficients * (bitLength(BigInt(prime)) - dropped),
    0,
  );
  return Math.ceil(bits / 8);
}
