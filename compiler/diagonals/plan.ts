import type { Failure, DroppedBits } from '../bfv/noise.ts';
import type { PlanBase, ClientViewBase, PlanKeys } from '../lowering/plan.ts';
import type { DiagonalsPacking } from './packing.ts';
import type { DiagonalsNorms, DiagonalsNoiseInput } from './noise.ts';
import { dropSteps } from '../bfv/dropStep.ts';
import { slotGeometry } from './packing.ts';

/** What the noise of a diagonals plan follows from; integers that may pass 2^53 in decimal. See noise.ts. */
export interface DiagonalsNoiseFacts {
  /** When an honest result may decrypt wrong. */
  readonly failure: Failure;
  /** Largest sum of the L1 norms of all plaintexts of a row, decimal. */
  readonly rowL1: string;
  /** Largest part of that sum that multiplies rotated inputs, decimal. */
  readonly rotatedL1: string;
  /** Largest proxy of the fresh errors of a row, without its factor 10.5: X's first term in noise.ts, decimal. */
  readonly freshSquare: string;
  /** Largest sum over the keys of a row of squared key weights, S_k in noise.ts, decimal. */
  readonly keySquare: string;
  /** Most rotations after products of a row, exchanges of slot rows included. */
  readonly rotations: number;
}

/** What the noise of a diagonals plan follows from, and the budget that it leaves. */
export interface DiagonalsPlanNoise extends DiagonalsNoiseFacts {
  /** Budget in bits that SEAL reports at least, but for the probability that `failure` names. */
  readonly predictedBudgetBits: number;
}

/** Slots: rotations, with evaluation keys from the client. Uploads are seeded. */
export interface DiagonalsPlan extends PlanBase {
  /** The discriminant. */
  readonly lowering: 'diagonals';
  /** Which element sits in which slot, and which rotations are made. */
  readonly packing: DiagonalsPacking;
  /** What the noise bound follows from, and the budget that it leaves. */
  readonly noise: DiagonalsPlanNoise;
  /** The evaluation keys that the client sends once. */
  readonly keys: PlanKeys;
}

/** What a client knows of a diagonals plan; it holds no weight. */
export interface DiagonalsView extends ClientViewBase {
  /** The discriminant. */
  readonly lowering: 'diagonals';
  /** Which element sits in which slot, and which rotations are made. */
  readonly packing: DiagonalsPacking;
  /** How ciphertexts travel: uploads are always seeded. */
  readonly wire: DroppedBits & {
    /** c1 of an upload travels as its seed. */
    readonly upload: 'seal-seeded';
  };
  /** The evaluation keys that the client makes and sends once. */
  readonly keys: PlanKeys;
}

/** Norms as a plan keeps them. */
export function normFacts(norms: DiagonalsNorms): Omit<DiagonalsNoiseFacts, 'failure'> {
  return {
    rowL1: String(norms.rowL1),
    rotatedL1: String(norms.rotatedL1),
    freshSquare: String(norms.freshSquare),
    keySquare: String(norms.keySquare),
    rotations: norms.rotations,
  };
}

/** What the noise of a diagonals plan's results depends on. */
export function diagonalsNoiseInput(
  plan: Pick<DiagonalsPlan, 'spec' | 'parameters' | 'packing'> & {
    readonly noise: DiagonalsNoiseFacts;
    readonly wire: DroppedBits;
  },
): DiagonalsNoiseInput {
  const { spec, packing, parameters, noise, wire } = plan;
  const dataPrimes = parameters.dataPrimes.map(BigInt);
  return {
    degree: parameters.degree,
    plainModulus: parameters.plainModulus,
    failure: noise.failure,
    dataPrimes,
    specialPrime: parameters.specialPrime === null ? null : BigInt(parameters.specialPrime),
    norms: {
      rowL1: BigInt(noise.rowL1),
      rotatedL1: BigInt(noise.rotatedL1),
      freshSquare: BigInt(noise.freshSquare),
      keySquare: BigInt(noise.keySquare),
      rotations: noise.rotations,
    },
    coefficients:
      parameters.degree * slotGeometry(spec, { ...packing, degree: parameters.degree }).resultCiphertexts,
    steps: dropSteps(dataPrimes, wire),
  };
}
