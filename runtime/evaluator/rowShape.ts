import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { largestWeight } from '../../compiler/toeplitz/direct/lanes.ts';
import { rowNorms } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import type { RowProductsShape } from '../ring/rowProducts.ts';

/** What the rows of a program sum up, as transforms of our own take it: evaluations and hints alike. */
export function rowShape({ degree, dataPrimes }: Parameters, program: ToeplitzProgram): RowProductsShape {
  return {
    degree,
    primes: dataPrimes.map(BigInt),
    rowL1: rowNorms(program).rowL1,
    largest: largestWeight(program),
  };
}
