import type { Failure, DroppedBits } from '../bfv/noise.ts';
import type { PlanBase, ClientViewBase, PlanKeys } from '../lowering/plan.ts';
import type { DiagonalsPacking } from './packing.ts';
import type { DiagonalsNorms, DiagonalsNoiseInput } from './noise.ts';
import { slotGeometry } from './packing.ts';

/** What the noise of a diagonals plan follows from; integers that may pass 2^53 in decimal. See noise.ts. */
export interface DiagonalsNoiseFacts {
  readonly failure: Failure;
  readonly rowL1: string;
  readonly rotatedL1: string;
  readonly freshSquare: string;
  readonly keySquare: string;
  readonly rotations: number;
}

export interface DiagonalsPlanNoise extends DiagonalsNoiseFacts {
  /** Budget in bits that SEAL reports at least, but for the probability that `failure` names. */
  readonly predictedBudgetBits: number;
}

/** Slots: rotations, with evaluation keys from the client. Uploads are seeded. */
export interface DiagonalsPlan extends PlanBase {
  readonly lowering: 'diagonals';
  readonly packing: DiagonalsPacking;
  readonly noise: DiagonalsPlanNoise;
  readonly keys: PlanKeys;
}

export interface DiagonalsView extends ClientViewBase {
  readonly lowering: 'diagonals';
  readonly packing: DiagonalsPacking;
  readonly wire: DroppedBits & { readonly upload: 'seeded' };
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
  return {
    degree: parameters.degree,
    plainModulus: parameters.plainModulus,
    failure: noise.failure,
    dataPrimes: parameters.dataPrimes.map(BigInt),
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
    dropped: wire,
  };
}
