import type { ToeplitzProgram, RingPlaintext, Term } from './program.ts';
import type { Placement, BlockGroup } from './placement.ts';
import type { Tensor } from '../base/tensor.ts';
import type { PlanBase } from '../lowering/plan.ts';
import { outputShape } from '../convolution/shape.ts';
import { internalError } from '../base/errors.ts';
import { decodeResidue } from '../lowering/plan.ts';

/**
 * The exact interpreter of a toeplitz program: full polynomial products modulo X^N + 1 and t, no encryption. It computes
 * every coefficient, the garbage between the outputs too, so that an aliasing packing shows as a wrong integer.
 */

/** Coefficients of one input polynomial: x - zeroPoint modulo t, in [0, t). */
function encode(
  program: ToeplitzProgram,
  placement: Placement,
  input: Tensor,
  zeroPoint: number,
): Float64Array {
  const polynomial = new Float64Array(program.degree);
  placement.elements.forEach((element, index) => {
    const value = (input.data[element]! - zeroPoint) % program.plainModulus;
    polynomial[placement.coefficients[index]!] = value < 0 ? value + program.plainModulus : value;
  });
  return polynomial;
}

/**
 * accumulator += plaintext * polynomial modulo X^N + 1, and modulo t in every step when `reduce` says so. Without
 * reduction the caller has proved that no sum passes 2^53.
 */
function accumulate(
  accumulator: Float64Array,
  plaintext: RingPlaintext,
  polynomial: Float64Array,
  plainModulus: number,
  reduce: boolean,
): void {
  const degree = polynomial.length;
  for (let entry = 0; entry < plaintext.exponents.length; entry++) {
    const exponent = plaintext.exponents[entry]!;
    const value = plaintext.values[entry]!;
    for (let index = 0; index < degree; index++) {
      const coefficient = polynomial[index]!;
      if (coefficient === 0) continue;
      const wrapped = index + exponent >= degree;
      const at = wrapped ? index + exponent - degree : index + exponent;
      const sign = wrapped ? -1 : 1;
      accumulator[at] = reduce
        ? // Both summands lie within (-t, t) and t <= 2^52, so the sum is exact.
          (accumulator[at]! + sign * productModulo(value, coefficient, plainModulus)) % plainModulus
        : accumulator[at]! + sign * value * coefficient;
    }
  }
}

/** value * coefficient modulo t, sign of the product kept; exact for all |value| < t <= 2^52. */
function productModulo(value: number, coefficient: number, plainModulus: number): number {
  const product = value * coefficient;
  if (Number.isSafeInteger(product)) return product % plainModulus;
  return Number((BigInt(value) * BigInt(coefficient)) % BigInt(plainModulus));
}

function rowL1(program: ToeplitzProgram, terms: readonly Term[]): number {
  return terms.reduce(
    (sum, term) =>
      program.plaintexts[term.plaintext]!.values.reduce((norm, value) => norm + Math.abs(value), sum),
    0,
  );
}

function runGroup(
  program: ToeplitzProgram,
  group: BlockGroup,
  input: Tensor,
  plan: Pick<PlanBase, 'spec' | 'windows'>,
  output: Float64Array,
): void {
  const shape = outputShape(plan.spec);
  const plane = shape.height * shape.width;
  const polynomials = group.inputs.map((placement) =>
    encode(program, placement, input, plan.spec.input.zeroPoint),
  );
  program.rows.forEach((terms, row) => {
    const accumulator = new Float64Array(program.degree);
    const reduce = rowL1(program, terms) * program.plainModulus >= 2 ** 53;
    for (const term of terms) {
      const polynomial = polynomials[term.chunk];
      const plaintext = program.plaintexts[term.plaintext];
      if (polynomial === undefined || plaintext === undefined)
        throw internalError('a term names no polynomial');
      accumulate(accumulator, plaintext, polynomial, program.plainModulus, reduce);
    }
    const placement = group.outputs[row]!;
    placement.elements.forEach((element, index) => {
      const value = accumulator[placement.coefficients[index]!]! % program.plainModulus;
      const residue = value < 0 ? value + program.plainModulus : value;
      const channel = Math.floor(element / plane) % shape.channels;
      output[element] = decodeResidue(plan.windows, program.plainModulus, channel, residue);
    });
  });
}

/** Writes the decoded outputs into `output` (flat NCHW). `input` is NCHW, raw values. */
export function simulateToeplitz(
  program: ToeplitzProgram,
  input: Tensor,
  plan: Pick<PlanBase, 'spec' | 'windows'>,
  output: Float64Array,
): void {
  for (const group of program.blockGroups) runGroup(program, group, input, plan, output);
}
