import { ceilSquareRoot } from '../bfv/noise.ts';
import type { DiagonalsNorms } from './noise.ts';
import { slotTransform } from '../rings/slots.ts';
import { denseSlots } from './program.ts';
import type { DiagonalsProgram, GiantStep } from './program.ts';

/** Norms of an encoded plaintext in the centred lift: L1, and the L2 norm rounded up. */
interface PlaintextNorms {
  readonly l1: bigint;
  readonly l2: bigint;
}

/** Exact norms: coefficients come from the exact transform modulo t, sums are split so that doubles hold them. */
function plaintextNorms(coefficients: Float64Array, plainModulus: number): PlaintextNorms {
  const half = Math.floor((plainModulus + 1) / 2);
  // Squares of numbers below 2^20 and their sums over 2^13 coefficients stay below 2^53.
  const small = plainModulus < 2 ** 20;
  let l1 = 0n;
  let square = 0n;
  const run = 2 ** 12;
  for (let first = 0; first < coefficients.length; first += run) {
    let [sum, squares] = [0, 0];
    for (let index = first; index < Math.min(first + run, coefficients.length); index++) {
      const coefficient = coefficients[index]!;
      const size = coefficient >= half ? plainModulus - coefficient : coefficient;
      if (small) {
        sum += size;
        squares += size * size;
      } else {
        l1 += BigInt(size);
        square += BigInt(size) ** 2n;
      }
    }
    l1 += BigInt(sum);
    square += BigInt(squares);
  }
  return { l1, l2: ceilSquareRoot(square) };
}

/** The key of the exchange of slot rows among those of rotations, which are never by 0. */
const EXCHANGE = 0;

function rowNorms(giants: readonly GiantStep[], norms: readonly PlaintextNorms[]): DiagonalsNorms {
  const fresh = new Map<number, bigint>();
  const keys = new Map<number, bigint>();
  const add = (map: Map<number, bigint>, key: number, value: bigint): void => {
    map.set(key, (map.get(key) ?? 0n) + value);
  };
  let [rowL1, rotatedL1] = [0n, 0n];
  let rotations = 0;
  for (const { step, terms } of giants) {
    if (step !== 0) {
      add(keys, step, 1n);
      rotations++;
    }
    for (const { input, baby, plaintext } of terms) {
      const { l1, l2 } = norms[plaintext]!;
      rowL1 += l1;
      add(fresh, input, l2);
      if (baby === 0) continue;
      rotatedL1 += l1;
      add(keys, baby, l1);
    }
  }
  // All giants that exchange are summed first and exchanged together.
  if (giants.some(({ exchange }) => exchange)) {
    add(keys, EXCHANGE, 1n);
    rotations++;
  }
  const squareSum = (map: Map<number, bigint>): bigint =>
    [...map.values()].reduce((total, value) => total + value * value, 0n);
  return { rowL1, rotatedL1, freshSquare: squareSum(fresh), keySquare: squareSum(keys), rotations };
}

/** Where nothing is computed, what is measured is a fresh ciphertext: as if multiplied by 1. */
const NO_NORMS: DiagonalsNorms = Object.freeze({
  rowL1: 1n,
  rotatedL1: 0n,
  freshSquare: 1n,
  keySquare: 0n,
  rotations: 0,
});

function larger(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

/** What the noise of a program grows by, each the largest over all rows. Exact; one transform a plaintext. */
export function diagonalsNorms(program: DiagonalsProgram): DiagonalsNorms {
  const transform = slotTransform(program.degree, program.plainModulus);
  const norms = program.plaintexts.map((plaintext) =>
    plaintextNorms(transform.encode(denseSlots(program, plaintext)), program.plainModulus),
  );
  return program.rows
    .map((giants) => rowNorms(giants, norms))
    .reduce(
      (most, row) => ({
        rowL1: larger(most.rowL1, row.rowL1),
        rotatedL1: larger(most.rotatedL1, row.rotatedL1),
        freshSquare: larger(most.freshSquare, row.freshSquare),
        keySquare: larger(most.keySquare, row.keySquare),
        rotations: Math.max(most.rotations, row.rotations),
      }),
      NO_NORMS,
    );
}
