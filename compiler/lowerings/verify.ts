import { analyzeAccumulator } from '../accumulator/exact.ts';
import { countBytes, countOperations, transferOf } from './counts.ts';
import { diagonalsKeys } from '../diagonals/counts.ts';
import { contains, datatypeRange } from '../base/interval.ts';
import { decryptionIsCertain, predictedBudgetBits } from '../bfv/noise.ts';
import { isToeplitz, planNoise } from './plan.ts';
import type { Plan } from './plan.ts';
import { analyzeLanes } from '../toeplitz/direct/lanes.ts';
import { buildProgram } from './program.ts';
import type { Program } from './program.ts';
import { diagonalsNorms } from '../diagonals/norms.ts';
import { verifyDiagonals } from '../diagonals/verify.ts';
import { verifyMatrix } from '../toeplitz/verify.ts';
import { verifyParameters, verifySlots, verifyWire } from '../lowering/checkParameters.ts';
import { reject } from '../base/reject.ts';
import { dataModulus } from '../bfv/parameters.ts';
import { normFacts } from '../diagonals/plan.ts';
import { rowNorms } from '../toeplitz/program.ts';

/**
 * Proof by exhaustion that a plan computes its convolution and always decrypts right: the matrix that the program
 * applies equals the flattened filter matrix, the decode windows are the exact intervals, and the parameters satisfy
 * the noise rule and the security table. compile runs it on its own work, a server before it trusts a plan file.
 */
export function verify(plan: Plan, program: Program = buildProgram(plan)): void {
  verifyParameters(plan.parameters, plan.packing.degree, rotates(plan));
  verifyWindows(plan);
  verifyNoise(plan, program);
  verifyProduct(plan, program);
  verifyTransfer(plan, program);
  verifyLanes(plan, program);
}

function rotates(plan: Plan): boolean {
  return !isToeplitz(plan) && plan.keys.steps.length > 0;
}

/** The matrix that the program applies is the filter matrix. */
function verifyProduct({ spec }: Plan, program: Program): void {
  switch (program.lowering) {
    case 'toeplitz':
      verifyMatrix(spec, program);
      break;
    case 'diagonals':
      verifyDiagonals(spec, program);
      break;
    default:
      program satisfies never;
  }
}

function requireEqual(where: string, expected: unknown, found: unknown): void {
  const [left, right] = [stableText(expected), stableText(found)];
  if (left !== right) reject(where, 'differs from what the weights say', left, right);
}

/** JSON with the keys of objects in order: a plan file may have them in another one. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
}

function verifyWindows(plan: Plan): void {
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
  if (!isToeplitz(plan)) verifySlots(plan.parameters.degree, plainModulus);
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

function verifyNorms({ noise }: Plan, program: Program): void {
  switch (program.lowering) {
    case 'toeplitz':
      requireEqual('noise', { ...noise, ...rowNorms(program) }, noise);
      break;
    case 'diagonals':
      requireEqual('noise', { ...noise, ...normFacts(diagonalsNorms(program)) }, noise);
      break;
    default:
      program satisfies never;
  }
}

function verifyNoise(plan: Plan, program: Program): void {
  verifyNorms(plan, program);
  verifyWire(plan.parameters, plan.wire, plan.packing.lowering);
  // SEAL's evaluator must not meet a c1 that somebody has chosen.
  if (plan.wire.upload === 'whole' && plan.kernel !== 'direct')
    reject('wire.upload', 'whole uploads are for the direct kernel', 'seeded', plan.wire.upload);
  const q = dataModulus(plan.parameters);
  const { plainModulus } = plan.parameters;
  const { response } = planNoise(plan);
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

function verifyTransfer(plan: Plan, program: Program): void {
  const { usedChunks, emptyRows } = transferOf(program);
  requireEqual('transfer.usedChunks', usedChunks, plan.transfer.usedChunks);
  requireEqual('transfer.emptyRows', emptyRows, plan.transfer.emptyRows);
  requireEqual('counts', countOperations(program, plan.kernel), plan.counts);
  requireEqual('bytes', countBytes(program, plan.parameters, plan.wire), plan.bytes);
  if (program.lowering === 'diagonals' && !isToeplitz(plan))
    requireEqual('keys', diagonalsKeys(program, plan.parameters), plan.keys);
}

/** The direct kernel's lanes are exactly those that the analysis gives, so no sum can leave one. */
function verifyLanes({ kernel, direct, parameters }: Plan, program: Program): void {
  if ((kernel === 'direct') !== (direct !== null)) {
    reject('direct', 'lanes belong to the direct kernel, and to it alone', kernel, JSON.stringify(direct));
  }
  if (direct === null) return;
  if (program.lowering !== 'toeplitz')
    reject('kernel', 'the direct kernel does not rotate', 'toeplitz', program.lowering);
  const analysis = analyzeLanes(parameters, program);
  if (analysis.kind === 'refused')
    reject('direct', 'the direct kernel cannot execute the plan', analysis.expected, analysis.found);
  requireEqual('direct', analysis.lanes, direct);
}
