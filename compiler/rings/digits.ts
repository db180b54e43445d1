/**
 * Residues as balanced digits: c = sum over k of d_k 2^(l k) with -2^(l-1) <= d_k <= 2^(l-1) - 1. A digit, l <= 16, is a
 * signed 16-bit lane of the direct kernel; toeplitz/direct/lanes.ts derives what follows.
 */

const LARGEST_LIMB_BITS = 16;

const LARGEST_LANE = 2 ** 31 - 1;

/** Largest c >= 0 that `limbs` balanced digits of `limbBits` bits can write. Exact. */
export function digitCapacity(limbBits: number, limbs: number): bigint {
  const base = 1n << BigInt(limbBits);
  return ((base / 2n - 1n) * (base ** BigInt(limbs) - 1n)) / (base - 1n);
}

/** The fewest limbs that carry every residue modulo `prime`, and the narrowest limbs that do it with so few. */
export function limbsFor(prime: bigint): { limbs: number; limbBits: number } {
  const largest = (prime - 1n) / 2n;
  let limbs = 1;
  while (digitCapacity(LARGEST_LIMB_BITS, limbs) < largest) limbs++;
  let limbBits = LARGEST_LIMB_BITS;
  while (limbBits > 2 && digitCapacity(limbBits - 1, limbs) >= largest) limbBits--;
  return { limbs, limbBits };
}

/**
 * Largest prime of `bits` bits that needs no more limbs than a smaller prime of as many bits does: the bound that a
 * search for q keeps to where the noise rule allows. Only just above 16, 32 and 48 bits does it exclude anything.
 */
export function limbBoundary(bits: number): bigint {
  const largest = (1n << BigInt(bits)) - 1n;
  const aligned = 2n * digitCapacity(LARGEST_LIMB_BITS, Math.ceil(bits / LARGEST_LIMB_BITS)) + 1n;
  return aligned < largest ? aligned : largest;
}

/** Largest L1 norm of the weights that one lane may sum. */
export function largestLaneL1(limbBits: number): number {
  return Math.floor(LARGEST_LANE / 2 ** (limbBits - 1));
}
