import { analyzeAccumulator } from '../accumulator/exact.ts';
import { chooseLowering, diagonalsCost, toeplitzCost } from './choose.ts';
import { compileDiagonals } from '../diagonals/compile.ts';
import { COMPILER_VERSION, decodeWindows, planAnalysis, refuseOverflow } from '../lowering/assemble.ts';
import type { CompileOptions } from '../lowering/assemble.ts';
import { CipherconvError, internalError } from '../base/errors.ts';
import { NOTHING_DROPPED, predictedBudgetBits, resultNoise } from '../bfv/noise.ts';
import type { DroppedBits } from '../bfv/noise.ts';
import { axisLayout, axisShapes } from '../toeplitz/packing.ts';
import { dataModulus, noiseInput } from './plan.ts';
import type {
  DiagonalsPlan,
  DirectLanes,
  Kernel,
  Parameters,
  Plan,
  ToeplitzPlan,
  UploadForm,
} from './plan.ts';
import { analyzeLanes, LARGEST_DIRECT_WEIGHT } from '../toeplitz/direct/lanes.ts';
import { buildProgram, centredLift, rowNorms } from './program.ts';
import type { ToeplitzProgram } from './program.ts';
import { searchPacking } from '../toeplitz/search.ts';
import type { SearchRequest, SearchResult } from '../toeplitz/search.ts';
import { DEGREES, largestModulusBits } from '../bfv/security.ts';
import { centredWeights, deepFreeze, outputShape } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';
import { countBytes, countOperations, transferOf, travellingCoefficients } from './counts.ts';
import { chooseUploadForm, DEFAULT_LINK_MEGABITS_PER_SECOND } from '../toeplitz/uploadForm.ts';
import { verify } from './verify.ts';
import { chooseWire } from '../bfv/dropBits.ts';

export { COMPILER_VERSION } from '../lowering/assemble.ts';
export type { CompileOptions } from '../lowering/assemble.ts';

/**
 * Compiles a convolution to a verified plan, with the lowering of the options. Deterministic: the same spec, options and
 * version give the same plan.
 * @throws CipherconvError `overflow` when the accumulator leaves its declared width, `beyond-bfv` when no parameters
 * carry it, `unsupported` when the lowering asked for does not take it.
 */
export function compileSpec(
  spec: ConvSpec,
  options: CompileOptions & { readonly lowering: 'toeplitz' },
): ToeplitzPlan;
export function compileSpec(
  spec: ConvSpec,
  options: CompileOptions & { readonly lowering: 'diagonals' },
): DiagonalsPlan;
export function compileSpec(spec: ConvSpec, options?: CompileOptions): Plan;
export function compileSpec(spec: ConvSpec, options: CompileOptions = {}): Plan {
  const { lowering = 'auto', kernel = 'auto' } = options;
  switch (lowering) {
    case 'toeplitz':
      return compileToeplitz(spec, options);
    case 'diagonals':
      if (kernel === 'direct') refuseDirectDiagonals();
      return compileDiagonals(spec, options);
    case 'auto':
      // Rotations are SEAL's, so the direct kernel knows toeplitz products only.
      return kernel === 'direct' ? compileToeplitz(spec, options) : compileCheaper(spec, options);
    default:
      return lowering satisfies never;
  }
}

function refuseDirectDiagonals(): never {
  throw new CipherconvError({
    code: 'unsupported',
    where: 'kernel',
    message: 'the direct kernel does not rotate, which the diagonals lowering needs',
    hint: 'take the ntt kernel, or the toeplitz lowering',
  });
}

/** The toeplitz plan, or the diagonals plan where that costs less or toeplitz cannot do it. */
function compileCheaper(spec: ConvSpec, options: CompileOptions): Plan {
  const { decodeWidth } = analyzeAccumulator(spec);
  let toeplitz: ToeplitzPlan;
  try {
    toeplitz = compileToeplitz(spec, options);
  } catch (error) {
    const isBeyond = error instanceof CipherconvError && error.code === 'beyond-bfv';
    if (!isBeyond || diagonalsCost(spec, options, null, decodeWidth).kind !== 'estimate') throw error;
    return compileDiagonals(spec, options);
  }
  const { objective } = toeplitz.report;
  const cost = toeplitzCost(toeplitz);
  const diagonals = diagonalsCost(spec, options, { cost, objective }, decodeWidth);
  return chooseLowering(cost, diagonals, objective).choice === 'toeplitz'
    ? toeplitz
    : compileDiagonals(spec, options);
}

/**
 * A toeplitz plan: exact analysis, smallest t, packing search with the smallest q for each candidate, program, proof.
 * @throws CipherconvError `overflow` or `beyond-bfv`.
 */
export function compileToeplitz(spec: ConvSpec, options: CompileOptions = {}): ToeplitzPlan {
  const analysis = analyzeAccumulator(spec);
  refuseOverflow(spec, analysis);
  const plainModulus = Math.max(2, analysis.decodeWidth);
  const request = searchRequest(spec, plainModulus, options);
  const found = searchPacking(request);
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
  const wire = { ...modulus.dropped, upload: uploadForm(parameters, found.kernel, request, options) };
  const { response } = resultNoise(noiseInput({ spec, parameters, noise, wire }));
  const plan: ToeplitzPlan = {
    format: 'cipherconv-plan',
    version: 2,
    compiler: COMPILER_VERSION,
    spec,
    analysis: planAnalysis(analysis),
    parameters,
    packing: found.packing,
    kernel: found.kernel,
    direct: found.kernel === 'direct' ? directLanes(parameters, program) : null,
    windows: decodeWindows(spec, analysis),
    transfer: transferOf(program),
    wire,
    noise: {
      ...noise,
      predictedBudgetBits: predictedBudgetBits(dataModulus(parameters), plainModulus, response),
    },
    counts: countOperations(program, found.kernel),
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

/** How uploads travel: as the options say, or by cost. */
function uploadForm(
  parameters: Parameters,
  kernel: Kernel,
  { objective }: SearchRequest,
  { upload = 'auto', linkMegabitsPerSecond = DEFAULT_LINK_MEGABITS_PER_SECOND }: CompileOptions,
): UploadForm {
  return upload === 'auto'
    ? chooseUploadForm({ parameters, kernel, objective, linkMegabitsPerSecond })
    : upload;
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
    kernels: kernelsFor(spec, plainModulus, wantedKernel(options)),
  };
}

/**
 * The kernel asked for: whole uploads are the direct one's, see uploadForm.ts.
 * @throws CipherconvError `unsupported` for whole uploads with the ntt kernel.
 */
function wantedKernel({ kernel = 'auto', upload }: CompileOptions): Kernel | 'auto' {
  if (upload !== 'whole' || kernel === 'direct') return kernel;
  if (kernel === 'auto') return 'direct';
  throw new CipherconvError({
    code: 'unsupported',
    where: 'upload',
    message: 'the ntt kernel does not take whole uploads',
    hint: 'take seeded uploads, or the direct kernel',
  });
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
function directLanes(parameters: Parameters, program: ToeplitzProgram): DirectLanes {
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
  program: ToeplitzProgram,
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
      plainModulus: request.plainModulus,
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

/** For every kernel tap a * kW + e whether some output reads the image through it. */
function visibleTaps(spec: ConvSpec): boolean[] {
  const { kernelHeight, kernelWidth } = spec.weights;
  const axes = axisShapes(spec);
  const rows = new Set(axisLayout(axes.rows, 1, axes.rows.outputSize).taps.map(({ tap }) => tap));
  const columns = new Set(axisLayout(axes.columns, 1, axes.columns.outputSize).taps.map(({ tap }) => tap));
  return Array.from(
    { length: kernelHeight * kernelWidth },
    (_, tap) => rows.has(Math.floor(tap / kernelWidth)) && columns.has(tap % kernelWidth),
  );
}

/**
 * Norms of each output channel's weights in SEAL's centred lift, which is what the noise grows by. Taps that never fall on
 * the image are in no polynomial and do not count.
 */
function channelNorms(
  spec: ConvSpec,
  plainModulus: number,
): { channelL1: number[]; channelL2Squared: number[] } {
  const channelL1 = new Array<number>(spec.weights.outChannels).fill(0);
  const channelL2Squared = new Array<number>(spec.weights.outChannels).fill(0);
  const centred = centredWeights(spec.weights);
  const perOutput = centred.length / channelL1.length;
  const visible = visibleTaps(spec);
  centred.forEach((weight, index) => {
    if (visible[index % visible.length] !== true) return;
    const channel = Math.floor(index / perOutput);
    const lifted = Math.abs(centredLift(weight, plainModulus));
    channelL1[channel]! += lifted;
    channelL2Squared[channel]! += lifted * lifted;
  });
  return { channelL1, channelL2Squared };
}
