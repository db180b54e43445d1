import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { largestWeight } from '../../compiler/toeplitz/direct/lanes.ts';
import { rowNorms } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { hasRowProducts } from '../ring/rowProducts.ts';
import type { RowProductsShape } from '../ring/rowProducts.ts';

/** Whether our own transforms hold the sums of a program, and each of its weights; elsewhere SEAL's evaluator computes them. */
export function fitsTransforms({ parameters }: ToeplitzPlan, program: ToeplitzProgram): boolean {
  return hasRowProducts(rowShape(parameters, program));
}

/** What the rows of a program sum up, as transforms of our own take it: evaluations and hints alike. */
export function rowShape({ degree, dataPrimes }: Parameters, program: ToeplitzProgram): RowProductsShape {
  return {
    degree,
    primes: dataPrimes.map(BigInt),
    rowL1: rowNorms(program).rowL1,
    largest: largestWeight(program),
  };
}
