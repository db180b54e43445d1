import { analyzeAccumulator } from './accumulator.ts';
import type { AccumulatorAnalysis } from './accumulator.ts';
import { CipherconvError, internalError } from './errors.ts';
import { contains, datatypeRange, requiredWidth } from './interval.ts';
import { NOTHING_DROPPED, predictedBudgetBits, resultNoise } from './noise.ts';
import type { DroppedBits, Failure } from './noise.ts';
import { dataModulus, noiseInput } from './plan.ts';
import type { DirectLanes, Kernel, Objective, Parameters, Plan } from './plan.ts';
import { analyzeLanes, LARGEST_DIRECT_WEIGHT } from './planKernel.ts';
import { buildProgram, centredLift, rowNorms, usedChunks } from './program.ts';
import type { Program } from './program.ts';
import { searchPacking } from './search.ts';
import type { SearchRequest, SearchResult } from './search.ts';
import { DEGREES, largestModulusBits } from './security.ts';
import type { Degree, SecurityBits } from './security.ts';
import { centredWeights, deepFreeze, outputShape } from './spec.ts';
import type { ConvSpec } from './spec.ts';
import { elementCount } from './tensor.ts';
import { countBytes, countOperations, travellingCoefficients } from './counts.ts';
import { verify } from './verify.ts';
import { chooseWire } from './wire.ts';

/** Version of the compiler, recorded in plans. */
export const COMPILER_VERSION = '0.1.0';

export interface CompileOptions {
  /** What to minimize. Default `latency`. */
  readonly objective?: Objective;
  /** Take this ring degree and no other. */
  readonly degree?: Degree;
  /** Bits of security by the table. Default 128. */
  readonly security?: SecurityBits;
  /** When an honest result may decrypt wrong. Default `never`. */
  readonly failure?: Failure;
  /** What executes the plan. Default `auto`: the cheaper one by the cost model. */
  readonly kernel?: Kernel | 'auto';
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
  const request = searchRequest(spec, plainModulus, options);
  const found = searchPacking(request);
  const intervals = analysis.channels.map((channel) => channel.interval);
  const program = buildProgram({ spec, packing: found.packing, parameters: { plainModulus } });
  const modulus = finalModulus(request, found, program);
  const parameters: Parameters = {
    degree: found.degree,
    plainModulus,
    dataPrimes: modulus.dataPrimes.map(String),
    specialPrime: found.specialPrime === null ? null : String(found.specialPrime),
    securityBits: request.securityBits,
  };
  const noise = { failure: request.failure, ...rowNorms(program) };
  const wire = modulus.dropped;
  const { response } = resultNoise(noiseInput({ spec, parameters, noise, wire }));
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
    kernel: found.kernel,
    direct: found.kernel === 'direct' ? directLanes(parameters, program) : null,
    windows: {
      low: intervals.map(({ lo }) => lo),
      residueLow: intervals.map(({ lo }, channel) => lo - spec.bias[channel]!),
    },
    transfer: {
      usedChunks: usedChunks(program),
      emptyRows: program.rows.flatMap((terms, row) => (terms.length === 0 ? [row] : [])),
    },
    wire,
    noise: {
      ...noise,
      predictedBudgetBits: predictedBudgetBits(dataModulus(parameters), plainModulus, response),
    },
    counts: countOperations(program),
    bytes: countBytes(program, parameters, wire),
    report: {
      objective: request.objective,
      considered: found.considered,
      estimatedMilliseconds: found.estimate.milliseconds,
      refused: found.refused,
    },
  };
  verify(plan, program);
  return deepFreeze(plan);
}

function searchRequest(spec: ConvSpec, plainModulus: number, options: CompileOptions): SearchRequest {
  return {
    shape: spec,
    plainModulus,
    ...channelNorms(spec, plainModulus),
    objective: options.objective ?? 'latency',
    securityBits: options.security ?? 128,
    failure: options.failure ?? 'never',
    degrees: options.degree === undefined ? DEGREES : [options.degree],
    kernels: kernelsFor(spec, plainModulus, options.kernel ?? 'auto'),
  };
}

/**
 * The kernels to choose from: weights wider than 16 bits are the ntt kernel's.
 * @throws CipherconvError `unsupported` where the direct one is asked for and cannot be.
 */
function kernelsFor(spec: ConvSpec, plainModulus: number, wanted: Kernel | 'auto'): Kernel[] {
  if (wanted === 'ntt') return ['ntt'];
  const largest = centredWeights(spec.weights).reduce(
    (most, weight) => Math.max(most, Math.abs(centredLift(weight, plainModulus))),
    0,
  );
  if (largest <= LARGEST_DIRECT_WEIGHT) return wanted === 'auto' ? ['ntt', 'direct'] : ['direct'];
  if (wanted === 'auto') return ['ntt'];
  throw new CipherconvError({
    code: 'unsupported',
    where: 'kernel',
    message: 'the direct kernel does not take weights so large',
    expected: `weights minus zero point within [-${LARGEST_DIRECT_WEIGHT}, ${LARGEST_DIRECT_WEIGHT}]`,
    found: `one of size ${largest}`,
    hint: 'take the ntt kernel',
  });
}

/** The lanes of a plan whose weights `kernelsFor` has let through. */
function directLanes(parameters: Parameters, program: Program): DirectLanes {
  const analysis = analyzeLanes(parameters, program);
  if (analysis.kind === 'possible') return analysis.lanes;
  throw internalError(`no lanes for the direct kernel: ${analysis.found}, not ${analysis.expected}`);
}

/**
 * q and what need not travel. The search has found the smallest q for the noise of the products; here the rounding of
 * the wire joins, for one prime. With several primes everything travels.
 */
function finalModulus(
  request: SearchRequest,
  found: SearchResult,
  program: Program,
): { dataPrimes: readonly bigint[]; dropped: DroppedBits } {
  const [prime] = found.dataPrimes;
  if (found.dataPrimes.length !== 1 || prime === undefined)
    return { dataPrimes: found.dataPrimes, dropped: NOTHING_DROPPED };
  const output = outputShape(request.shape);
  const coefficients = travellingCoefficients(program);
  const choice = chooseWire({
    degree: found.degree,
    plainModulus: request.plainModulus,
    noise: {
      degree: found.degree,
      failure: request.failure,
      ...rowNorms(program),
      coefficients: elementCount([output.batch, output.channels, output.height, output.width]),
    },
    prime,
    objective: request.objective,
    allowedBits: largestModulusBits(found.degree, request.securityBits),
    coefficients,
  });
  return { dataPrimes: [choice.prime], dropped: choice.dropped };
}

/** Norms of each output channel's weights in SEAL's centred lift, which is what the noise grows by. */
function channelNorms(
  spec: ConvSpec,
  plainModulus: number,
): { channelL1: number[]; channelL2Squared: number[] } {
  const channelL1 = new Array<number>(spec.weights.outChannels).fill(0);
  const channelL2Squared = new Array<number>(spec.weights.outChannels).fill(0);
  const centred = centredWeights(spec.weights);
  const perOutput = centred.length / channelL1.length;
  centred.forEach((weight, index) => {
    const channel = Math.floor(index / perOutput);
    const lifted = Math.abs(centredLift(weight, plainModulus));
    channelL1[channel]! += lifted;
    channelL2Squared[channel]! += lifted * lifted;
  });
  return { channelL1, channelL2Squared };
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
