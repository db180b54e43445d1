import { analyzeAccumulator } from './accumulator.ts';
import type { AccumulatorAnalysis } from './accumulator.ts';
import { CipherconvError } from './errors.ts';
import { contains, datatypeRange, requiredWidth } from './interval.ts';
import { predictedBudgetBits, rowNoiseTwice } from './noise.ts';
import { dataModulus } from './plan.ts';
import type { Objective, Parameters, Plan, PlanCounts } from './plan.ts';
import { buildProgram, centredLift, largestRowL1, usedChunks } from './program.ts';
import type { Program } from './program.ts';
import { searchPacking } from './search.ts';
import { DEGREES } from './security.ts';
import type { Degree, SecurityBits } from './security.ts';
import { centredWeights, deepFreeze } from './spec.ts';
import type { ConvSpec } from './spec.ts';
import { verify } from './verify.ts';

/** Version of the compiler, recorded in plans. */
export const COMPILER_VERSION = '0.1.0';

export interface CompileOptions {
  /** What to minimize. Default `latency`. */
  readonly objective?: Objective;
  /** Take this ring degree and no other. */
  readonly degree?: Degree;
  /** Bits of security by the table. Default 128. */
  readonly security?: SecurityBits;
}

/**
 * Compiles a convolution to a verified plan: exact analysis, smallest t, packing search with the smallest q for each
 * candidate, program, proof. Deterministic: the same spec, options and version give the same plan.
 * @throws CipherconvError `overflow` when the accumulator leaves its declared width, `beyond-bfv` when no parameters
 * carry it.
 */
export function compileSpec(spec: ConvSpec, options: CompileOptions = {}): Plan {
  const analysis = analyzeAccumulator(spec);
  refuseOverflow(spec, analysis);
  const plainModulus = Math.max(2, analysis.decodeWidth);
  const objective = options.objective ?? 'latency';
  const securityBits = options.security ?? 128;
  const found = searchPacking({
    shape: spec,
    plainModulus,
    channelL1: channelNorms(spec, plainModulus),
    objective,
    securityBits,
    degrees: options.degree === undefined ? DEGREES : [options.degree],
  });
  const parameters: Parameters = {
    degree: found.degree,
    plainModulus,
    dataPrimes: found.dataPrimes.map(String),
    specialPrime: found.specialPrime === null ? null : String(found.specialPrime),
    securityBits,
  };
  const program = buildProgram({ spec, packing: found.packing, parameters });
  const rowL1 = largestRowL1(program);
  const intervals = analysis.channels.map((channel) => channel.interval);
  const plan: Plan = {
    format: 'cipherconv-plan',
    version: 1,
    compiler: COMPILER_VERSION,
    spec,
    analysis: {
      interval: analysis.interval,
      channels: intervals,
      decodeWidth: analysis.decodeWidth,
      required: requiredWidth(analysis.interval),
    },
    parameters,
    packing: found.packing,
    kernel: 'ntt',
    windows: {
      low: intervals.map(({ lo }) => lo),
      residueLow: intervals.map(({ lo }, channel) => lo - spec.bias[channel]!),
    },
    transfer: {
      usedChunks: usedChunks(program),
      emptyRows: program.rows.flatMap((terms, row) => (terms.length === 0 ? [row] : [])),
    },
    noise: {
      rowL1,
      predictedBudgetBits: predictedBudgetBits(dataModulus(parameters), plainModulus, rowNoiseTwice(rowL1)),
    },
    counts: countOperations(program),
    report: {
      objective,
      considered: found.considered,
      estimatedMilliseconds: found.estimate.milliseconds,
      refused: found.refused,
    },
  };
  verify(plan, program);
  return deepFreeze(plan);
}

/** L1 norm of each output channel's weights in SEAL's centred lift, which is what the noise grows by. */
function channelNorms(spec: ConvSpec, plainModulus: number): number[] {
  const norms = new Array<number>(spec.weights.outChannels).fill(0);
  const centred = centredWeights(spec.weights);
  const perOutput = centred.length / norms.length;
  centred.forEach((weight, index) => {
    norms[Math.floor(index / perOutput)]! += Math.abs(centredLift(weight, plainModulus));
  });
  return norms;
}

function refuseOverflow(spec: ConvSpec, analysis: AccumulatorAnalysis): void {
  const declared = spec.accumulator;
  if (declared === null) return;
  const allowed = datatypeRange(declared.bits, declared.signed);
  if (contains(allowed, analysis.interval)) return;
  const worst = analysis.channels.findIndex(({ interval }) => !contains(allowed, interval));
  const { interval } = analysis.channels[worst]!;
  const needed = requiredWidth(analysis.interval);
  throw new CipherconvError({
    code: 'overflow',
    where: 'accumulator',
    message: `the accumulator overflows its ${declared.bits} ${declared.signed ? 'signed' : 'unsigned'} bits`,
    expected: `every sum within [${allowed.lo}, ${allowed.hi}]`,
    found: `output channel ${worst} reaches [${interval.lo}, ${interval.hi}]`,
    hint: `declare ${needed.bits} ${needed.signed ? 'signed' : 'unsigned'} bits, or use smaller weights or fewer taps`,
  });
}

/** Counts what one run executes, from the program itself. */
export function countOperations(program: Program): PlanCounts {
  const groups = program.blockGroups.length;
  const inputCiphertexts = groups * usedChunks(program).length;
  const outputCiphertexts = groups * program.rows.filter((terms) => terms.length > 0).length;
  return {
    inputCiphertexts,
    outputCiphertexts,
    products: groups * program.rows.reduce((sum, terms) => sum + terms.length, 0),
    ntt: inputCiphertexts + outputCiphertexts,
    rotations: 0,
    weightPlaintexts: program.plaintexts.length,
  };
}
