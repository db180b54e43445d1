import type { Steps } from '../base/steps.ts';
import { CipherconvError } from '../base/errors.ts';
import { requireEqual } from '../base/reject.ts';
import { compareEstimates } from '../cost/estimate.ts';
import type { CostEstimate } from '../cost/estimate.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type {
  CompileDemand,
  Lowering,
  LoweringEstimate,
  RequestRefusal,
  Rival,
} from '../lowering/lowering.ts';
import { compileDiagonals, diagonalsRequest } from './compile.ts';
import { countDiagonalsBytes, countDiagonalsOperations, diagonalsKeys, diagonalsTransfer } from './counts.ts';
import { diagonalsNoise } from './noise.ts';
import { diagonalsNorms } from './norms.ts';
import { diagonalsNoiseInput, normFacts } from './plan.ts';
import type { DiagonalsPlan, DiagonalsView } from './plan.ts';
import { buildDiagonals } from './program.ts';
import type { DiagonalsProgram } from './program.ts';
import { leastEstimate, searchDiagonals } from './search.ts';
import { refuseLarge } from './refuseLarge.ts';
import { simulateDiagonals } from './simulate.ts';
import { diagonalsProof } from './verify.ts';
import { diagonalsViews } from './views.ts';
import type { PlanRequest } from '../lowering/plan.ts';

/** The diagonals lowering: products in slots and rotations, with evaluation keys from the client. */
export const diagonalsLowering: Lowering<DiagonalsPlan, DiagonalsProgram, DiagonalsView> = {
  ...diagonalsViews,
  refusal,
  cannotCarry,
  estimate,
  compile: compileDiagonals,
  cost: ({ report, bytes, keys }) => ({
    milliseconds: report.estimatedMilliseconds,
    bytes: bytes.upload + bytes.response + keys.bytes,
  }),
  program: buildDiagonals,
  noise: (plan) => diagonalsNoise(diagonalsNoiseInput(plan)),
  norms: (program) => normFacts(diagonalsNorms(program)),
  counts: countDiagonalsOperations,
  bytes: (program, { parameters, wire }) => countDiagonalsBytes(program, parameters, wire),
  transfer: diagonalsTransfer,
  verifyMatrix: diagonalsProof,
  verifyOwn: ({ parameters, keys }, program) => {
    requireEqual('keys', diagonalsKeys(program, parameters), keys);
  },
  simulate: simulateDiagonals,
};

/** The direct kernel knows coefficients only, and hints are its. */
function refusal({ kernel, protocol }: PlanRequest): RequestRefusal | null {
  if (protocol === 'hint')
    return {
      where: 'protocol',
      message: 'a rotation mixes both polynomials of a ciphertext, so there is no hint of it',
      hint: 'take the standard protocol, or the toeplitz lowering',
    };
  if (kernel !== 'direct') return null;
  return {
    where: 'kernel',
    message: 'the direct kernel does not rotate, which the diagonals lowering needs',
    hint: 'take the ntt kernel, or the toeplitz lowering',
  };
}

/** Slots have room for everything; what they do not have is time. */
function cannotCarry(spec: ConvSpec, outputElements: number): string | null {
  try {
    refuseLarge(spec, outputElements);
    return null;
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    return `in slots expected ${error.details.expected ?? ''}, found ${error.details.found ?? ''}`;
  }
}

/**
 * The estimate of the best candidate. The search is spared where the least that any plan can take, one ciphertext each
 * way at the smallest degree with room for the noise, is no less than what the rival costs.
 */
function* estimate(demand: CompileDemand, rival: Rival | null): Steps<LoweringEstimate> {
  try {
    refuseLarge(demand.spec, demand.outputElements);
    const request = diagonalsRequest(demand);
    const least = rival === null ? null : leastEstimate(request);
    if (rival !== null && least !== null && isNoLess(least, rival))
      return { kind: 'atLeast', estimate: least };
    const [best] = (yield* searchDiagonals(request)).candidates;
    return best === undefined
      ? { kind: 'refused', reason: 'no parameters carry it' }
      : { kind: 'estimate', estimate: best.estimate };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const { message, found } = error.details;
    return { kind: 'refused', reason: found === undefined ? message : `${message} (${found})` };
  }
}

function isNoLess(least: CostEstimate, { cost, objective }: Rival): boolean {
  return compareEstimates(cost, least, objective) <= 0;
}
