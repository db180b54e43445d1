import { internalError } from '../../compiler/base/errors.ts';

/**
 * The negacyclic number-theoretic transform modulo a prime p = 1 mod 2N, N a power of two, in SEAL's order: value i of
 * the result is the polynomial at psi^(2 r + 1), r being the bits of i reversed and psi the smallest primitive 2N-th root
 * of unity. After Longa and Naehrig, "Speeding up the Number Theoretic Transform" (2016), algorithms 1 and 2. Exact
 * bigints: it is made for a secret key a session, not for ciphertexts.
 */
export class NegacyclicTransform {
  readonly #prime: bigint;
  readonly #degree: number;
  /** psi^i and psi^-i at the bit-reversed index of i. */
  readonly #powers: readonly bigint[];
  readonly #inversePowers: readonly bigint[];
  readonly #inverseDegree: bigint;

  constructor(degree: number, prime: bigint) {
    this.#prime = prime;
    this.#degree = degree;
    const root = smallestRoot(degree, prime);
    this.#powers = reversedPowers(root, degree, prime);
    this.#inversePowers = reversedPowers(powerModulo(root, prime - 2n, prime), degree, prime);
    this.#inverseDegree = powerModulo(BigInt(degree), prime - 2n, prime);
  }

  /** Coefficients in [0, p) to values, in place. */
  forward(values: bigint[]): void {
    const prime = this.#prime;
    for (let blocks = 1, half = this.#degree / 2; blocks < this.#degree; blocks *= 2, half /= 2) {
      for (let block = 0; block < blocks; block++) {
        const power = this.#powers[blocks + block]!;
        const first = 2 * block * half;
        for (let at = first; at < first + half; at++) {
          const left = values[at]!;
          const right = (values[at + half]! * power) % prime;
          values[at] = (left + right) % prime;
          values[at + half] = (left - right + prime) % prime;
        }
      }
    }
  }

  /** Values to coefficients in [0, p), in place. */
  inverse(values: bigint[]): void {
    const prime = this.#prime;
    for (let blocks = this.#degree / 2, half = 1; blocks >= 1; blocks /= 2, half *= 2) {
      for (let block = 0; block < blocks; block++) {
        const power = this.#inversePowers[blocks + block]!;
        const first = 2 * block * half;
        for (let at = first; at < first + half; at++) {
          const [left, right] = [values[at]!, values[at + half]!];
          values[at] = (left + right) % prime;
          values[at + half] = ((left - right + prime) * power) % prime;
        }
      }
    }
    for (let at = 0; at < values.length; at++) values[at] = (values[at]! * this.#inverseDegree) % prime;
  }
}

function powerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** The smallest primitive 2N-th root of unity: as SEAL takes it, all N of them are looked at. */
function smallestRoot(degree: number, prime: bigint): bigint {
  const order = 2n * BigInt(degree);
  if ((prime - 1n) % order !== 0n) throw internalError(`no transform of length ${degree} modulo ${prime}`);
  let root = 0n;
  // Half of all residues give an element of the full order.
  for (let base = 2n; root === 0n; base++) {
    const candidate = powerModulo(base, (prime - 1n) / order, prime);
    if (powerModulo(candidate, order / 2n, prime) === prime - 1n) root = candidate;
  }
  const square = (root * root) % prime;
  let smallest = root;
  for (let index = 1, power = root; index < degree; index++) {
    power = (power * square) % prime;
    if (power < smallest) smallest = power;
  }
  return smallest;
}

/** root^i at the bit-reversed index of i, for i below N. */
function reversedPowers(root: bigint, degree: number, prime: bigint): bigint[] {
  const powers = new Array<bigint>(degree);
  for (let index = 0, power = 1n; index < degree; index++) {
    powers[reverseBits(index, degree)] = power;
    power = (power * root) % prime;
  }
  return powers;
}

function reverseBits(index: number, degree: number): number {
  let reversed = 0;
  for (let bit = 1, rest = index; bit < degree; bit *= 2, rest >>= 1) reversed = 2 * reversed + (rest & 1);
  return reversed;
}
