import type { Steps } from '../base/steps.ts';
import { CipherconvError } from '../base/errors.ts';
import { reject, requireEqual } from '../base/reject.ts';
import type { CostEstimate } from '../cost/estimate.ts';
import type { CompileDemand, Lowering, LoweringEstimate } from '../lowering/lowering.ts';
import { compileToeplitz } from './chooseProtocol.ts';
import { countToeplitzBytes, countToeplitzOperations, toeplitzTransfer } from './counts.ts';
import { analyzeLanes } from './direct/lanes.ts';
import { noRoom } from './fits.ts';
import { verifyHintWire } from './hint.ts';
import { resultNoise } from './noise.ts';
import { digitShift, noiseInput, wireOf } from './plan.ts';
import type { ToeplitzPlan, ToeplitzView } from './plan.ts';
import { buildToeplitz, rowNorms } from './program.ts';
import type { ToeplitzProgram } from './program.ts';
import { simulateToeplitz } from './simulate.ts';
import { matrixProof } from './verify.ts';
import { toeplitzViews } from './views.ts';

/** The toeplitz lowering: polynomial products on coefficients, no rotations and no keys. */
export const toeplitzLowering: Lowering<ToeplitzPlan, ToeplitzProgram, ToeplitzView> = {
  ...toeplitzViews,
  refusal: () => null,
  cannotCarry: (spec) => noRoom(spec),
  estimate,
  compile: compileToeplitz,
  cost,
  program: buildToeplitz,
  noise: (plan) => resultNoise(noiseInput({ ...plan, wire: wireOf(plan) })),
  norms: rowNorms,
  counts: (program, { execution }) => countToeplitzOperations(program, execution.kernel),
  bytes: (program, plan) => countToeplitzBytes(program, plan.parameters, wireOf(plan)),
  transfer: toeplitzTransfer,
  verifyMatrix: matrixProof,
  verifyOwn: verifyExecution,
  simulate: simulateToeplitz,
};

function cost({ report, bytes }: ToeplitzPlan): CostEstimate {
  return { milliseconds: report.estimatedMilliseconds, bytes: bytes.upload + bytes.response };
}

/** Its search is fast and its bytes are exact only in the end: the plan itself is the estimate. */
function* estimate(demand: CompileDemand): Steps<LoweringEstimate> {
  try {
    return { kind: 'estimate', estimate: cost((yield* compileToeplitz(demand)).plan) };
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    return { kind: 'refused', reason: error.details.message };
  }
}

/** The direct kernel's lanes are exactly those that the analysis gives, so no sum can leave one. */
function verifyExecution(plan: ToeplitzPlan, program: ToeplitzProgram): void {
  const { execution, parameters } = plan;
  const wire = wireOf(plan);
  verifyHintWire(parameters, wire);
  if (execution.kernel !== 'direct') return;
  const analysis = analyzeLanes(parameters, program, digitShift(wire));
  if (analysis.kind === 'refused')
    reject('execution', 'the direct kernel cannot execute the plan', analysis.expected, analysis.found);
  requireEqual('execution.lanes', analysis.lanes, execution.lanes);
}
