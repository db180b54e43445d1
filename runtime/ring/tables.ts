import { internalError } from '../../compiler/base/errors.ts';
import { powerModulo } from '../../compiler/rings/primes.ts';

/** What transforms modulo one prime multiply by, as runtime/assembly/ring.ts reads it: constants and their quotients. */
export interface TransformTables {
  readonly roots: ShoupConstants;
  readonly inverseRoots: ShoupConstants;
}

/** Constants w below q, and floor(w 2^32 / q) beside them (Harvey 2014). */
export interface ShoupConstants {
  readonly values: Uint32Array;
  readonly quotients: Uint32Array;
}

/** The lanes hold residues below 2^31. */
const LARGEST_RING_PRIME = 2 ** 31 - 1;

/**
 * The powers of a primitive 2N-th root of unity psi modulo `prime`, and of its inverse, each at the bit-reversed index of
 * its exponent (Longa and Naehrig 2016).
 * @throws CipherconvError `internal` for a prime that is not 1 modulo 2 * degree, or not below 2^31
 */
export function transformTables(degree: number, prime: number): TransformTables {
  if (prime > LARGEST_RING_PRIME || (prime - 1) % (2 * degree) !== 0)
    throw internalError(`no 32-bit transform of length ${degree} modulo ${prime}`);
  const modulus = BigInt(prime);
  const root = primitiveRoot(degree, modulus);
  return {
    roots: reversedPowers(root, degree, modulus),
    inverseRoots: reversedPowers(powerModulo(root, modulus - 2n, modulus), degree, modulus),
  };
}

/** Half of all residues give an element of the full order 2N. */
function primitiveRoot(degree: number, prime: bigint): bigint {
  const order = 2n * BigInt(degree);
  for (let base = 2n; ; base++) {
    const candidate = powerModulo(base, (prime - 1n) / order, prime);
    if (powerModulo(candidate, order / 2n, prime) === prime - 1n) return candidate;
  }
}

function reversedPowers(root: bigint, degree: number, prime: bigint): ShoupConstants {
  const values = new Uint32Array(degree);
  const quotients = new Uint32Array(degree);
  let power = 1n;
  for (let index = 0; index < degree; index++) {
    const at = reverseBits(index, degree);
    values[at] = Number(power);
    quotients[at] = Number((power << 32n) / prime);
    power = (power * root) % prime;
  }
  return { values, quotients };
}

function reverseBits(index: number, degree: number): number {
  let reversed = 0;
  for (let bit = 1, rest = index; bit < degree; bit *= 2, rest >>= 1) reversed = 2 * reversed + (rest & 1);
  return reversed;
}
