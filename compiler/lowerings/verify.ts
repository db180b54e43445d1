import { finish } from '../base/steps.ts';
import type { Steps } from '../base/steps.ts';
import { analyzeAccumulator } from '../accumulator/exact.ts';
import { contains, datatypeRange } from '../base/interval.ts';
import { reject, requireEqual } from '../base/reject.ts';
import { decryptionIsCertain, predictedBudgetBits } from '../bfv/noise.ts';
import { dataModulus } from '../bfv/parameters.ts';
import { verifyParameters, verifyWire } from '../lowering/checkParameters.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { ClientViewBase, PlanBase } from '../lowering/plan.ts';
import type { Plan } from './plan.ts';
import { buildProgram } from './program.ts';
import { loweringOf, LOWERINGS } from './registry.ts';

/**
 * Proof by exhaustion that a plan computes its convolution and always decrypts right: the matrix that the program
 * applies equals the flattened filter matrix, the decode windows are the exact intervals, and the parameters satisfy
 * the noise rule and the security table. compile runs it on its own work, a server before it trusts a plan file.
 *
 * What follows from the program by the same code that made it (norms, counts, bytes, transfer, lanes, keys) is compared
 * too: that finds plans that were changed; it does not prove that code.
 * @throws CipherconvError `plan-rejected`
 */
export function verify(plan: Plan): void {
  verifyWith(LOWERINGS, plan, buildProgram(plan));
}

/** The same with the lowerings given. */
export function verifyWith<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  plan: P,
  program: R,
): void {
  finish(proofSteps(lowerings, plan, program));
}

/** The same in steps. */
export function* proofSteps<P extends PlanBase, R, V extends ClientViewBase>(
  lowerings: readonly Lowering<P, R, V>[],
  plan: P,
  program: R,
): Steps<void> {
  const lowering = loweringOf(lowerings, plan);
  verifyParameters(plan.parameters, lowering.rotates(plan));
  verifyWindows(plan);
  lowering.checkParameters(plan.parameters);
  requireEqual('noise', { ...plan.noise, ...lowering.norms(program) }, plan.noise);
  verifyWire(plan.parameters, plan.wire);
  verifyNoise(plan, lowering.noise(plan).response);
  yield;
  yield* lowering.verifyMatrix(plan.spec, program);
  yield;
  const { usedChunks, emptyRows } = lowering.transfer(program);
  requireEqual('transfer.usedChunks', usedChunks, plan.transfer.usedChunks);
  requireEqual('transfer.emptyRows', emptyRows, plan.transfer.emptyRows);
  yield;
  requireEqual('counts', lowering.counts(program, plan), plan.counts);
  requireEqual('bytes', lowering.bytes(program, plan), plan.bytes);
  yield;
  lowering.verifyOwn(plan, program);
}

/** The decode windows are the exact accumulator intervals, within the declared width. */
function verifyWindows(plan: PlanBase): void {
  const analysis = analyzeAccumulator(plan.spec);
  const intervals = analysis.channels.map((channel) => channel.interval);
  requireEqual('analysis.channels', intervals, plan.analysis.channels);
  requireEqual('analysis.interval', analysis.interval, plan.analysis.interval);
  requireEqual('analysis.decodeWidth', analysis.decodeWidth, plan.analysis.decodeWidth);
  requireEqual(
    'windows.low',
    intervals.map(({ lo }) => lo),
    plan.windows.low,
  );
  requireEqual(
    'windows.residueLow',
    intervals.map(({ lo }, channel) => lo - plan.spec.bias[channel]!),
    plan.windows.residueLow,
  );
  const { plainModulus } = plan.parameters;
  if (!Number.isSafeInteger(plainModulus) || plainModulus < Math.max(2, analysis.decodeWidth)) {
    reject(
      'parameters.plainModulus',
      'too small for the decode windows',
      `at least ${analysis.decodeWidth}`,
      String(plainModulus),
    );
  }
  const declared = plan.spec.accumulator;
  if (declared !== null && !contains(datatypeRange(declared.bits, declared.signed), analysis.interval)) {
    reject(
      'spec.accumulator',
      'the accumulator overflows its declared width',
      `${declared.bits} bits`,
      JSON.stringify(analysis.interval),
    );
  }
}

/** Noise that q has room for. */
function verifyNoise(plan: PlanBase, response: bigint): void {
  const q = dataModulus(plan.parameters);
  const { plainModulus } = plan.parameters;
  if (!decryptionIsCertain(q, plainModulus, response)) {
    reject(
      'parameters',
      'decryption could fail',
      `q above t x noise = ${plainModulus} x ${response}`,
      `q = ${q}`,
    );
  }
  const predicted = predictedBudgetBits(q, plainModulus, response);
  requireEqual('noise.predictedBudgetBits', predicted, plan.noise.predictedBudgetBits);
}
