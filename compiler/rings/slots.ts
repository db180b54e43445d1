import { internalError } from '../base/errors.ts';
import { LARGEST_EXACT_FACTOR, multiplication, powerOf } from './residues.ts';
import type { Multiply } from './residues.ts';

/**
 * Batching: for a prime t = 1 mod 2N the ring Z_t[X] / (X^N + 1) is N copies of Z_t. Slot j of row 0 is the value of the
 * polynomial at psi^(3^j), slot j of row 1 at psi^(-3^j), psi being a primitive 2N-th root of unity and j < N/2. Sums
 * and products act slot by slot, and the automorphism X -> X^(3^d) rotates both rows by d to the left, X -> X^(-1)
 * exchanges them: SEAL's rotateRows and rotateColumns. Slots are numbered row by row, slot (row, j) = row * N/2 + j.
 *
 * psi is the smallest root, as SEAL's BatchEncoder takes it; any other gives the same norms, because it only permutes
 * the coefficients, with signs.
 */
export interface SlotTransform {
  /** Slots, residues in [0, t), to coefficients in [0, t); a new array of N. */
  encode(slots: Float64Array): Float64Array;
  /** Coefficients in [0, t) to slots. */
  decode(coefficients: Float64Array): Float64Array;
}

/** The smallest primitive 2N-th root of unity modulo the prime t = 1 mod 2N. */
export function smallestRoot(degree: number, plainModulus: number): number {
  const multiply = multiplication(plainModulus);
  const order = 2 * degree;
  const cofactor = (plainModulus - 1) / order;
  if (!Number.isInteger(cofactor)) throw internalError(`t = ${plainModulus} has no slots at N = ${degree}`);
  let root = 0;
  // Half of all residues give an element of the full order.
  for (let base = 2; root === 0; base++) {
    const candidate = powerOf(multiply, base, cofactor);
    if (powerOf(multiply, candidate, degree) === plainModulus - 1) root = candidate;
  }
  const square = multiply(root, root);
  let smallest = root;
  for (let index = 1, power = root; index < degree; index++) {
    power = multiply(power, square);
    smallest = Math.min(smallest, power);
  }
  return smallest;
}

/** Index of slot (row, j) among the powers psi^(2k+1): k for each slot. */
function slotExponents(degree: number): Int32Array {
  const [order, half] = [2 * degree, degree / 2];
  const exponents = new Int32Array(degree);
  for (let slot = 0, power = 1; slot < half; slot++) {
    exponents[slot] = (power - 1) / 2;
    exponents[half + slot] = (order - power - 1) / 2;
    power = (3 * power) % order;
  }
  return exponents;
}

function bitReversal(size: number): Int32Array {
  const reversed = new Int32Array(size);
  for (let index = 1; index < size; index++) {
    reversed[index] = (reversed[index >> 1]! >> 1) + (index % 2 === 1 ? size / 2 : 0);
  }
  return reversed;
}

/** Butterflies on bit-reversed values: out[k] = sum of in[i] * root^(i k), root of order N; powers[i] = root^i. */
type Butterflies = (values: Float64Array, powers: Float64Array) => void;

/** For every t: one call a product. */
function generalButterflies(multiply: Multiply, modulus: number): Butterflies {
  return (values, powers) => {
    const size = values.length;
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let offset = 0; offset < half; offset++) {
          const at = start + offset;
          const product = multiply(values[at + half]!, powers[offset * stride]!);
          const left = values[at]!;
          const [sum, difference] = [left + product, left - product];
          values[at] = sum >= modulus ? sum - modulus : sum;
          values[at + half] = difference < 0 ? difference + modulus : difference;
        }
      }
    }
  };
}

/** For t whose products are exact doubles: the same with the multiplication written out, many times as fast. */
function directButterflies(modulus: number): Butterflies {
  const inverse = 1 / modulus;
  return (values, powers) => {
    const size = values.length;
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let offset = 0; offset < half; offset++) {
        const power = powers[offset * stride]!;
        for (let at = offset; at < size; at += 2 * half) {
          const wide = values[at + half]! * power;
          // Within (-t, 2t): the quotient is at most one off.
          let product = wide - Math.floor(wide * inverse) * modulus;
          if (product < 0) product += modulus;
          else if (product >= modulus) product -= modulus;
          const left = values[at]!;
          const sum = left + product;
          const difference = left - product;
          values[at] = sum >= modulus ? sum - modulus : sum;
          values[at + half] = difference < 0 ? difference + modulus : difference;
        }
      }
    }
  };
}

function reverseOrder(values: Float64Array, reversed: Int32Array): void {
  for (let index = 0; index < values.length; index++) {
    const other = reversed[index]!;
    if (other <= index) continue;
    const value = values[index]!;
    values[index] = values[other]!;
    values[other] = value;
  }
}

/** root^0 .. root^(count - 1), each times `factor`. */
function powersOf(root: number, count: number, multiply: Multiply, factor = 1): Float64Array {
  const powers = new Float64Array(count);
  for (let index = 0, power = factor; index < count; index++, power = multiply(power, root))
    powers[index] = power;
  return powers;
}

/**
 * The transform between slots and coefficients. Sums of two residues stay exact because t < 2^52.
 * @throws CipherconvError `internal` when t - 1 is no multiple of 2N.
 */
export function slotTransform(degree: number, plainModulus: number): SlotTransform {
  const multiply = multiplication(plainModulus);
  const root = smallestRoot(degree, plainModulus);
  const inverseRoot = powerOf(multiply, root, 2 * degree - 1);
  const inverseDegree = powerOf(multiply, degree, plainModulus - 2);
  const exponents = slotExponents(degree);
  const reversed = bitReversal(degree);
  const butterflies =
    plainModulus <= LARGEST_EXACT_FACTOR
      ? directButterflies(plainModulus)
      : generalButterflies(multiply, plainModulus);
  const forward = powersOf(multiply(root, root), degree / 2, multiply);
  const backward = powersOf(multiply(inverseRoot, inverseRoot), degree / 2, multiply);
  // f(psi^(2k+1)) = sum of (f_i psi^i) (psi^2)^(i k): a cyclic transform of the twisted coefficients.
  const twist = powersOf(root, degree, multiply);
  const untwist = powersOf(inverseRoot, degree, multiply, inverseDegree);
  return {
    encode: (slots) => {
      const values = new Float64Array(degree);
      for (let slot = 0; slot < degree; slot++) values[exponents[slot]!] = slots[slot]!;
      reverseOrder(values, reversed);
      butterflies(values, backward);
      for (let index = 0; index < degree; index++) values[index] = multiply(values[index]!, untwist[index]!);
      return values;
    },
    decode: (coefficients) => {
      const values = new Float64Array(degree);
      for (let index = 0; index < degree; index++)
        values[index] = multiply(coefficients[index]!, twist[index]!);
      reverseOrder(values, reversed);
      butterflies(values, forward);
      const slots = new Float64Array(degree);
      for (let slot = 0; slot < degree; slot++) slots[slot] = values[exponents[slot]!]!;
      return slots;
    },
  };
}
