import { MICROSECONDS } from '../cost/costs.gen.ts';
import type { Degree } from '../bfv/security.ts';
import { SEAL_SEED_BYTES } from '../bfv/wireBytes.ts';
import type { CostEstimate } from '../cost/estimate.ts';
import type { PlanCounts } from '../lowering/plan.ts';

/** How many operations a diagonals candidate needs. */
export interface DiagonalsCounts extends Omit<PlanCounts, 'weightPlaintexts' | 'ntt'> {
  /** Ciphertexts transformed, to NTT form and back. */
  readonly transforms: number;
  /** Sums of products that are transformed back. */
  readonly sums: number;
  /** Galois keys. */
  readonly keys: number;
}

/**
 * Microseconds of one key switch with k data primes. It transforms k digits under k + 1 primes and 2 (k + 1) polynomials
 * back, (k + 1)(k + 2) transforms of one polynomial under one prime; with the multiplications and the automorphism it
 * takes 1.4 to 1.6 times as long, measured with node-seal 7 at N = 4096 (k = 1, 2) and 8192 (k = 3).
 */
function rotationMicroseconds(degree: Degree, dataPrimeCount: number): number {
  const onePolynomial = MICROSECONDS[degree].toNtt / 2;
  return 1.5 * (dataPrimeCount + 1) * (dataPrimeCount + 2) * onePolynomial;
}

/**
 * Estimated cost of one run. Keys are made and sent once a session: they count in the bytes, so that `bandwidth` weighs
 * them, and not in the time.
 */
export function estimateDiagonals(
  degree: Degree,
  modulus: { readonly dataPrimeCount: number; readonly dataBits: number; readonly specialBits: number },
  counts: DiagonalsCounts,
): CostEstimate {
  const cost = MICROSECONDS[degree];
  const { inputCiphertexts, outputCiphertexts, products, transforms, sums, rotations, keys } = counts;
  const perPrime =
    inputCiphertexts * (cost.encrypt + cost.load) +
    (transforms - sums) * cost.toNtt +
    products * (cost.multiply + cost.add) +
    sums * cost.fromNtt +
    outputCiphertexts * (cost.save + cost.decrypt);
  const microseconds =
    perPrime * modulus.dataPrimeCount + rotations * rotationMicroseconds(degree, modulus.dataPrimeCount);
  const polynomial = Math.ceil((degree * modulus.dataBits) / 8);
  const keyHalf = Math.ceil((degree * (modulus.dataBits + modulus.specialBits)) / 8) + SEAL_SEED_BYTES;
  return {
    milliseconds: microseconds / 1000,
    bytes:
      inputCiphertexts * (polynomial + SEAL_SEED_BYTES) +
      outputCiphertexts * 2 * polynomial +
      keys * modulus.dataPrimeCount * keyHalf,
  };
}
