import { dropSteps } from '../bfv/dropStep.ts';
import type { Failure } from '../bfv/noise.ts';
import { protocolOf } from '../lowering/plan.ts';
import type { ClientViewBase, PlanBase, PlanWire } from '../lowering/plan.ts';
import type { ToeplitzPacking } from './packing.ts';
import type { ResultNoiseInput } from './noise.ts';
import { outputShape } from '../convolution/shape.ts';
import { elementCount } from '../base/tensor.ts';

/** What the noise follows from, beside the parameters. */
export interface NoiseFacts {
  /** When an honest result may decrypt wrong. */
  readonly failure: Failure;
  /** Largest L1 norm of a row of weight polynomials (centred lift). */
  readonly rowL1: number;
  /** Largest squared L2 norm of a row. */
  readonly rowL2Squared: number;
}

/** What the noise of a toeplitz plan follows from, and the budget that it leaves. */
export interface PlanNoise extends NoiseFacts {
  /** Budget in bits that SEAL reports at least, by the worst-case rule. */
  readonly predictedBudgetBits: number;
}

/** How the direct kernel's 32-bit lanes sum without overflow; direct/lanes.ts derives and proves it. */
export interface DirectLanes {
  /** Bits of a balanced digit, at most 16. */
  readonly limbBits: number;
  /** Digits of a residue, of every data prime. */
  readonly limbs: number;
  /** Largest L1 norm of weights that one lane may sum: floor((2^31 - 1) / 2^(limbBits - 1)). */
  readonly laneL1: number;
  /** Most partial sums of a result, each reduced on its own: 1 where every row stays within `laneL1`. */
  readonly folds: number;
}

/**
 * What executes a toeplitz plan, with what only that kernel has. Uploads of the ntt kernel are always seeded: SEAL's
 * evaluator, which also takes over where our lanes do not hold the sums, must not meet a c1 that somebody has chosen.
 */
export type Execution =
  | {
      /** Products of transforms: SEAL's evaluator for seeds of SEAL's, our own ring arithmetic for ours. */
      readonly kernel: 'ntt';
      /** Whose seed stands for c1 of every input ciphertext. */
      readonly upload: 'seeded' | 'seal-seeded';
    }
  | {
      /** Shift-and-add over raw coefficients. */
      readonly kernel: 'direct';
      /** How its 32-bit lanes sum without overflow. */
      readonly lanes: DirectLanes;
      /** How c1 of every input ciphertext travels. */
      readonly upload: 'seeded' | 'whole' | 'hint';
    };

/** Coefficients: no rotations, no keys. */
export interface ToeplitzPlan extends PlanBase {
  /** The discriminant. */
  readonly lowering: 'toeplitz';
  /** Which element sits in which coefficient. */
  readonly packing: ToeplitzPacking;
  /** The kernel, with what only that kernel has. */
  readonly execution: Execution;
  /** What the noise bound follows from, and the budget that it leaves. */
  readonly noise: PlanNoise;
}

/** What a client knows of a toeplitz plan; it holds no weight. */
export interface ToeplitzView extends ClientViewBase {
  /** The discriminant. */
  readonly lowering: 'toeplitz';
  /** Which element sits in which coefficient. */
  readonly packing: ToeplitzPacking;
}

/** How the ciphertexts of a toeplitz plan travel. */
export function wireOf({ wire, execution }: Pick<ToeplitzPlan, 'wire' | 'execution'>): PlanWire {
  return { ...wire, upload: execution.upload };
}

/**
 * Low bits that the digits of an upload do without: with hints the restored coefficients are multiples of 2^shift modulo
 * q, and the kernel multiplies its sums by that.
 */
export function digitShift({ upload, uploadC0 }: PlanWire): number {
  return upload === 'hint' ? uploadC0 : 0;
}

/** What the noise of a toeplitz plan's results depends on. */
export function noiseInput(
  plan: Pick<ToeplitzPlan, 'spec' | 'parameters'> & {
    readonly noise: NoiseFacts;
    readonly wire: PlanWire;
  },
): ResultNoiseInput {
  const { batch, channels, height, width } = outputShape(plan.spec);
  const { failure, rowL1, rowL2Squared } = plan.noise;
  return {
    degree: plan.parameters.degree,
    plainModulus: plan.parameters.plainModulus,
    failure,
    rowL1,
    rowL2Squared,
    coefficients: elementCount([batch, channels, height, width]),
    steps: dropSteps(plan.parameters.dataPrimes.map(BigInt), plan.wire),
    protocol: protocolOf(plan.wire),
  };
}
